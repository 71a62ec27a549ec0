/**
 * The command line of a program that is started too often to load a library for it: one table says
 * which options there are, and is the help.
 */
import { parseArgs } from 'node:util';
import { MirrorflowError, describeError } from '../../base/errors.js';

export interface TableOption {
  /** What stands for its value in the help; left out for a flag. */
  readonly value?: string;
  readonly help: string;
}

export type OptionTable = Readonly<Record<string, TableOption>>;

export type GivenOptions<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: Table[Name] extends { readonly value: string } ? string : boolean;
};

const HELP: TableOption = { help: 'tell this and end' };

/**
 * Throws BAD_OPTION for what is not in the table, a value that is missing, and words that belong to
 * no option.
 */
export function readOptionTable<Table extends OptionTable>(
  table: Table,
  args: readonly string[],
): GivenOptions<Table> {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { value }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  try {
    return parseArgs({ args: [...args], options }).values as GivenOptions<Table>;
  } catch (error) {
    throw new MirrorflowError('BAD_OPTION', describeError(error), {}, error);
  }
}

/** `usage` begins the help, one line for each way to call the program. */
export function helpOfTable(usage: readonly string[], table: OptionTable): string {
  const rows = Object.entries({ ...table, help: HELP }).map(([name, { value, help }]) => ({
    option: value === undefined ? `--${name}` : `--${name} ${value}`,
    help,
  }));
  const width = Math.max(...rows.map(({ option }) => option.length));
  const lines = rows.map(({ option, help }) => `  ${option.padEnd(width)}  ${help}`);
  const first = usage.map((line, at) => `${at === 0 ? 'usage:' : '      '} ${line}`);
  return `${[...first, '', ...lines].join('\n')}\n`;
}
