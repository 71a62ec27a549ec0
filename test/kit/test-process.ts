/**
 * A compiled program or fixture as a child process of one test: its lines of standard output one by
 * one, all its output for error messages, and its end, which every test waits for. Used by tests
 * and TestRuntime. Starts the process.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isAbsolute } from 'node:path';
import { DEADLINE_MS } from './eventually.js';

/** From SIGTERM to SIGKILL in `stop`. */
const STOP_MS = 15_000;

/** The file of a compiled module; `path` is absolute, or relative to the root of the project. */
export function compiled(path: string): string {
  if (isAbsolute(path)) return path;
  return fileURLToPath(new URL(`../../${path.replace(/\.js$/, '')}.js`, import.meta.url));
}

/** Replaces program and arguments by a command that runs them, on another host for instance. */
export type CommandWrapper = (program: string, args: readonly string[]) => [string, string[]];

export class TestProcess {
  readonly process: ChildProcess;
  readonly #lines: string[] = [];
  readonly #closed: Promise<unknown>;
  #incompleteLine = '';
  #onOutput: (() => void) | undefined;
  /** Everything written to standard output so far. */
  output = '';
  /** Everything written to standard error so far. */
  errors = '';

  /** `env` is added to the environment of this process. */
  constructor(
    module: string,
    args: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
    wrap: CommandWrapper = (program, all) => [program, [...all]],
  ) {
    this.process = spawn(...wrap(process.execPath, [compiled(module), ...args]), {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.#closed = once(this.process, 'close');
    this.process.stdin?.on('error', () => undefined);
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => this.#receive(text));
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
      this.#onOutput?.();
    });
    this.process.once('close', () => this.#onOutput?.());
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Writes a line to its standard input. */
  writeLine(line: string): void {
    this.process.stdin?.write(`${line}\n`);
  }

  /** Resolves with the next line of standard output; rejects when the process ends before. */
  async line(): Promise<string> {
    await this.until(() => this.#lines.length > 0);
    return this.#lines.shift() ?? '';
  }

  /**
   * Resolves when `condition` holds, which is evaluated after each output. Rejects when the process
   * ends before, and after a deadline.
   */
  async until(condition: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    while (!condition()) {
      if (this.hasEnded || deadline.aborted) {
        const state = this.hasEnded ? 'has ended' : 'still runs';
        throw new Error(
          `the process ${state} without the expected output; output: ${this.output}; errors: ${this.errors}`,
        );
      }
      await new Promise<void>((resolve) => {
        this.#onOutput = resolve;
        deadline.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  /** The JSON log lines with this message on standard error. */
  logged(message: string): Record<string, unknown>[] {
    return this.errors
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line['message'] === message);
  }

  /** Resolves when a server has logged, in JSON, that it is ready. */
  ready(): Promise<void> {
    return this.until(() => this.logged('ready').length > 0);
  }

  /** Resolves after the end with the exit code, or the name of the signal that ended it. */
  async end(): Promise<number | string> {
    await this.#closed;
    return this.process.signalCode ?? this.process.exitCode ?? 'nothing';
  }

  /** Resolves with all its output after exit code 0; rejects with the output otherwise. */
  async success(): Promise<string> {
    const exit = await this.end();
    const text = this.output + this.errors;
    if (exit !== 0) throw new Error(`the program ended with ${exit}: ${text}`);
    return text;
  }

  /** Sends the signal and resolves like `end`. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | string> {
    this.process.kill(signal);
    return this.end();
  }

  /** Sends SIGTERM, later SIGKILL, and resolves like `end`. */
  async stop(): Promise<number | string> {
    const timer = setTimeout(() => this.process.kill('SIGKILL'), STOP_MS);
    const end = await this.kill('SIGTERM');
    clearTimeout(timer);
    return end;
  }

  #receive(text: string): void {
    this.output += text;
    const lines = (this.#incompleteLine + text).split('\n');
    this.#incompleteLine = lines.pop() ?? '';
    this.#lines.push(...lines);
    this.#onOutput?.();
  }
}
