/**
 * The command line of a program that is started too often to load a library for it: one table of
 * options, which is the help too, and one JSON document, `--options`, checked by its schema. Used
 * by app servers, duplicators and gateways. Pure.
 */
import { parseArgs } from 'node:util';
import { MirrorflowError, describeError } from '../../base/errors.js';
import type { Members, Schema } from '../../rpc/xml-rpc/schema.js';

export interface TableOption {
  /** Placeholder of its value in the help; left out for a flag. */
  readonly value?: string;
  readonly help: string;
}

export type OptionTable = Readonly<Record<string, TableOption>>;

export type GivenOptions<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: Table[Name] extends { readonly value: string } ? string : boolean;
};

const HELP: TableOption = { help: 'show this help' };

/**
 * Throws BAD_OPTION for an option that is not in the table, a missing value, and words that belong
 * to no option.
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

/**
 * The JSON document of `--options`, over `defaults`. Throws BAD_OPTION with the member, the value
 * found and the values allowed, BAD_NAME.
 */
export function readDocument<T>(schema: Schema<T>, text = '{}', defaults: object = {}): T {
  const place = { method: '--options', root: 'options', path: [], unknownMembers: 'refuse' } as const;
  try {
    const given: unknown = JSON.parse(text);
    const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
    const merged = isObject ? { ...defaults, ...given } : given;
    return schema.check(merged, { ...place, path: [] });
  } catch (thrown) {
    if (thrown instanceof MirrorflowError && thrown.code !== 'INVALID_PARAMETERS') throw thrown;
    const message =
      thrown instanceof MirrorflowError ? thrown.message : `--options: ${describeError(thrown)}`;
    throw new MirrorflowError('BAD_OPTION', message, { option: 'options' }, thrown);
  }
}

/**
 * `usage` begins the help, one line for each way to call the program; `members` are those of the
 * document of `--options`, `defaults` what they are when left out.
 */
export function helpOfTable(
  usage: readonly string[],
  table: OptionTable,
  members: Members = {},
  defaults: Readonly<Record<string, unknown>> = {},
): string {
  const options = Object.entries({ ...table, help: HELP }).map(([name, { value, help }]) => ({
    title: value === undefined ? `--${name}` : `--${name} ${value}`,
    help,
  }));
  const documented = Object.entries(members).map(([title, member]) => {
    const doc = 'optional' in member ? member.optional.doc : member.doc;
    const fallback = defaults[title];
    return { title, help: fallback === undefined ? doc : `${doc} (${JSON.stringify(fallback)})` };
  });
  const lines = usage.map((line, at) => `${at === 0 ? 'usage:' : '      '} ${line}`);
  const document = documented.length === 0 ? [] : ['', 'members of --options:', ...rows(documented)];
  return `${[...lines, '', ...rows(options), ...document].join('\n')}\n`;
}

function rows(entries: readonly { readonly title: string; readonly help: string }[]): string[] {
  const width = Math.max(...entries.map(({ title }) => title.length));
  return entries.map(({ title, help }) => `  ${title.padEnd(width)}  ${help}`);
}
