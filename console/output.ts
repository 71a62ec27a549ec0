/**
 * The output of a command: data to standard output; notes and errors to standard error.
 *
 * Every command writes through an `Output`, which `run-words.ts` creates. With `--json` both
 * streams carry JSON, one value per line. It writes to the two streams it is given and to nothing
 * else.
 */
import { describeError, isMirrorflowError, type ErrorCode } from '../protocol/base/errors.js';
import type { Environment } from '../protocol/base/paths.js';
import { styled, terminalAbilities, type TerminalAbilities, type TextStyle } from './render/colour.js';
import { printable } from './render/printable.js';
import { renderTable, type TableCell, type TableColumn } from './render/table.js';

/** The members of a terminal or pipe that this module uses. */
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

/** Size of an output that is no terminal. */
const FALLBACK_COLUMNS = 80;
const FALLBACK_ROWS = 24;

/** What to do about an error, where its message does not name it. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  BAD_NAME: 'mirrorflow apps lists the known names',
  BAD_OPTION: 'mirrorflow COMMAND --help lists options and examples',
  UNKNOWN_APPLICATION: 'mirrorflow apps lists the applications',
  UNKNOWN_FLOW: 'mirrorflow flows lists the flows',
  UNKNOWN_SPECTRUM: 'mirrorflow spectra lists the spectra',
  APPLICATION_EXISTS: 'mirrorflow apps shows it; mirrorflow stop NAME stops it',
  APPLICATION_UNREACHABLE: 'mirrorflow apps shows its state and the cause',
  SOURCE_UNREACHABLE:
    'is SpecTcl running, with its REST and mirror servers started (HTTPServer, MirrorServer)?',
  SOURCE_REFUSED: 'see the log of SpecTcl; its mirror server takes known hosts only',
  VERSION_MISMATCH: 'run the same release everywhere: stop what runs, then start it again',
  ADDRESS_IN_USE: 'choose another port, for instance --listen tcp://127.0.0.1:0 for any free one',
  NO_SPACE: 'free some memory in /dev/shm, or keep flow files elsewhere: --flow-dir, MIRRORFLOW_FLOW_DIR',
  TIMED_OUT: 'the request may still be carried out: check with mirrorflow apps',
};

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
      const detected = terminalAbilities(env, stream.isTTY === true);
      return noColour ? { ...detected, colour: 'none' } : detected;
    };
    this.abilities = abilities(stdout);
    this.#errorAbilities = abilities(stderr);
  }

  /** Columns of the terminal; undefined when standard output is no terminal. */
  get columns(): number | undefined {
    return this.#stdout.isTTY === true ? this.size.width : undefined;
  }

  /** Size of a plot in columns and rows: the terminal's, or a default without a terminal. */
  get size(): { readonly width: number; readonly height: number } {
    const { columns = 0, rows = 0 } = this.#stdout;
    // A terminal whose size was never set reports 0.
    return { width: columns > 0 ? columns : FALLBACK_COLUMNS, height: rows > 0 ? rows : FALLBACK_ROWS };
  }

  /** Writes the text unchanged, escape sequences included. */
  raw(text: string): void {
    if (text !== '') this.#stdout.write(text);
  }

  lines(lines: readonly string[]): void {
    this.raw(lines.map((line) => `${line}\n`).join(''));
  }

  /** Writes one line of JSON. */
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

  /** Writes a sentence for people to standard error; nothing with --json. */
  note(text: string): void {
    if (this.json) return;
    const { unicode, colour } = this.#errorAbilities;
    this.#stderr.write(`${styled(`mirrorflow: ${printable(text, unicode)}`, 'yellow', colour)}\n`);
  }

  failure(thrown: unknown): void {
    const message = describeError(thrown);
    const hint = hintFor(thrown);
    if (this.json) {
      const hasCode = isMirrorflowError(thrown);
      const error = {
        code: hasCode ? thrown.code : 'SYSTEM_ERROR',
        message,
        ...(hint === undefined ? {} : { hint }),
        ...(hasCode ? { facts: thrown.facts } : {}),
      };
      this.#stderr.write(`${JSON.stringify({ error })}\n`);
      return;
    }
    const { unicode, colour } = this.#errorAbilities;
    const lines = message.split('\n').map((line) => printable(line, unicode));
    this.#stderr.write(`${styled('mirrorflow:', 'red', colour)} ${lines.join('\n')}\n`);
    if (hint !== undefined) this.#stderr.write(`  ${printable(hint, unicode)}\n`);
  }

  /** Writes a help text that is already laid out. */
  help(text: string, asError: boolean): void {
    (asError ? this.#stderr : this.#stdout).write(`${text}\n`);
  }
}

/** The hint for an error: its own, none when its message names a command, else its code's. */
export function hintFor(thrown: unknown): string | undefined {
  if (!isMirrorflowError(thrown)) return undefined;
  const { hint } = thrown.facts;
  if (typeof hint === 'string') return hint;
  return /mirrorflow [a-z]+/.test(thrown.message) ? undefined : HINTS[thrown.code];
}
