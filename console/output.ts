/**
 * Where a command's words go: data to standard output and nothing else there, everything said about
 * them to standard error. With --json both are JSON, one value per line.
 */
import { describeError, isMirrorflowError } from '../protocol/base/errors.js';
import type { Environment } from '../protocol/base/paths.js';
import { hintFor } from './hints.js';
import { styled, terminalAbilities, type TerminalAbilities, type TextStyle } from './render/colour.js';
import { printable } from './render/printable.js';
import { renderTable, type TableCell, type TableColumn } from './render/table.js';

/** The part of a terminal or pipe that is used. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

export interface OutputOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Environment;
  readonly json: boolean;
  readonly noColour: boolean;
}

const FALLBACK_COLUMNS = 80;
const FALLBACK_ROWS = 24;

export class Output {
  readonly json: boolean;
  /** Abilities of standard output. */
  readonly abilities: TerminalAbilities;
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  readonly #errorAbilities: TerminalAbilities;

  constructor({ stdout, stderr, env, json, noColour }: OutputOptions) {
    this.json = json;
    this.#stdout = stdout;
    this.#stderr = stderr;
    const abilities = (stream: OutputStream): TerminalAbilities => {
      const found = terminalAbilities(env, stream.isTTY === true);
      return noColour ? { ...found, colour: 'none' } : found;
    };
    this.abilities = abilities(stdout);
    this.#errorAbilities = abilities(stderr);
  }

  /** Columns of the terminal, undefined when the output is none. */
  get columns(): number | undefined {
    return this.#stdout.isTTY === true ? this.size.width : undefined;
  }

  /** Size for pictures, which need one also where there is no terminal. */
  get size(): { readonly width: number; readonly height: number } {
    const { columns = 0, rows = 0 } = this.#stdout;
    // A terminal that nobody told its size says 0.
    return { width: columns > 0 ? columns : FALLBACK_COLUMNS, height: rows > 0 ? rows : FALLBACK_ROWS };
  }

  /** Text as it is, escape sequences included. */
  raw(text: string): void {
    if (text !== '') this.#stdout.write(text);
  }

  lines(lines: readonly string[]): void {
    this.raw(lines.map((line) => `${line}\n`).join(''));
  }

  /** One line of JSON. */
  value(value: unknown): void {
    this.#stdout.write(`${JSON.stringify(value)}\n`);
  }

  table(columns: readonly TableColumn[], rows: readonly (readonly TableCell[])[], empty: string): void {
    this.lines(this.tableLines(columns, rows, empty));
  }

  tableLines(
    columns: readonly TableColumn[],
    rows: readonly (readonly TableCell[])[],
    empty: string,
  ): string[] {
    return renderTable(columns, rows, { ...this.abilities, width: this.columns, empty });
  }

  styled(text: string, style: TextStyle): string {
    return styled(text, style, this.abilities.colour);
  }

  /** A sentence beside the data, for people: to standard error, and not at all with --json. */
  note(text: string): void {
    if (this.json) return;
    const { unicode, colour } = this.#errorAbilities;
    this.#stderr.write(`${styled(`mirrorflow: ${printable(text, unicode)}`, 'yellow', colour)}\n`);
  }

  failure(thrown: unknown): void {
    const message = describeError(thrown);
    const hint = hintFor(thrown);
    if (this.json) {
      const known = isMirrorflowError(thrown);
      const error = {
        code: known ? thrown.code : 'SYSTEM_ERROR',
        message,
        ...(hint === undefined ? {} : { hint }),
        ...(known ? { facts: thrown.facts } : {}),
      };
      this.#stderr.write(`${JSON.stringify({ error })}\n`);
      return;
    }
    const { unicode, colour } = this.#errorAbilities;
    const lines = message.split('\n').map((line) => printable(line, unicode));
    this.#stderr.write(`${styled('mirrorflow:', 'red', colour)} ${lines.join('\n')}\n`);
    if (hint !== undefined) this.#stderr.write(`  ${printable(hint, unicode)}\n`);
  }

  /** Help and bad usage, already laid out. */
  help(text: string, asError: boolean): void {
    (asError ? this.#stderr : this.#stdout).write(`${text}\n`);
  }
}
