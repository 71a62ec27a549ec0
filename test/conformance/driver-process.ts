/**
 * A conformance driver as a child process of one test: sends it the commands of README.md and
 * returns its answers. Used by the conformance tests. Starts the driver of a language.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compiledProgram } from '../kit/c-compiler.js';
import { pythonWithNumpy } from '../kit/python.js';

/** Root of the sources, from dist/test/conformance. */
const SOURCES = fileURLToPath(new URL('../../../', import.meta.url));

/** The languages with a driver, each with the command that starts it; undefined: not installed. */
const DRIVERS = {
  typescript: () => [process.execPath, fileURLToPath(new URL('drivers/typescript.js', import.meta.url))],
  python: () => {
    const python = pythonWithNumpy();
    return python === undefined ? undefined : [python, `${SOURCES}test/conformance/drivers/python.py`];
  },
  c: () => {
    const program = compiledProgram('test/conformance/drivers/c.c');
    return program === undefined ? undefined : [program];
  },
} satisfies Record<string, () => string[] | undefined>;

export type Language = keyof typeof DRIVERS;
export const LANGUAGES = Object.keys(DRIVERS) as Language[];

/** Whether the driver of a language can run on this machine. */
export function isInstalled(language: Language): boolean {
  return DRIVERS[language]() !== undefined;
}

/** The languages whose library has flow types; the C library passes their bytes. */
export const TYPED_LANGUAGES: readonly Language[] = ['typescript', 'python'];

/** Every pair of provider and consumer, of some languages, that this machine can run. */
export function installedPairs(languages: readonly Language[] = LANGUAGES): [Language, Language][] {
  const installed = languages.filter(isInstalled);
  return installed.flatMap((one) => installed.map((other): [Language, Language] => [one, other]));
}

/** Answer of a driver: a value, or the code of an error. */
type Answer = { readonly ok: unknown } | { readonly error: string; readonly message: string };

export class Driver {
  readonly language: Language;
  readonly process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #closed: Promise<unknown>;
  errors = '';

  constructor(language: Language, environment: NodeJS.ProcessEnv) {
    const [program = '', ...args] = DRIVERS[language]() ?? [];
    this.language = language;
    this.process = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: environment });
    this.#closed = once(this.process, 'close');
    this.process.stdin?.on('error', () => undefined);
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    const { stdout } = this.process;
    if (stdout === null) throw new Error('the driver has no standard output');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** Runs a command; rejects with the code and message of its error. One command at a time. */
  async run(command: string, request: object = {}): Promise<unknown> {
    const answer = await this.answer(command, request);
    if ('ok' in answer) return answer.ok;
    throw new Error(`${this.language} ${command}: ${answer.error}: ${answer.message}\n${this.errors}`);
  }

  /** The error code of a command that must fail. */
  async refusal(command: string, request: object = {}): Promise<string> {
    const answer = await this.answer(command, request);
    return 'error' in answer ? answer.error : `no error: ${JSON.stringify(answer.ok)}`;
  }

  async answer(command: string, request: object): Promise<Answer> {
    this.process.stdin?.write(`${JSON.stringify({ ...request, do: command })}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`the ${this.language} driver has ended\n${this.errors}`);
    return JSON.parse(line.value) as Answer;
  }

  async end(): Promise<void> {
    this.process.stdin?.end();
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGKILL');
    await this.#closed;
  }
}
