/**
 * A program that is killed and restarted during a chaos run or a system test: its current process,
 * the lines of its output, and unexpected ends.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';

const DIST = fileURLToPath(new URL('../..', import.meta.url));
/** From SIGTERM to SIGKILL at the end of a run. */
const STOP_MS = 15_000;

export interface ParticipantOptions {
  readonly name: string;
  /** Compiled module below the build directory. */
  readonly script: string;
  /** Evaluated at every start. */
  readonly args: () => readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Standard error is appended here. */
  readonly logFile: string;
  readonly line?: (line: string) => void;
  /** Called when the process ended without `kill`, `stop` or `expectEnd`. */
  readonly died?: (how: string) => void;
}

export class Participant {
  readonly name: string;
  readonly #options: ParticipantOptions;
  #child: ChildProcess | undefined;
  #closed: Promise<unknown> = Promise.resolve();
  #startedMs = 0;
  #expectedEnd = false;

  constructor(options: ParticipantOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get ageMs(): number {
    return performance.now() - this.#startedMs;
  }

  start(): void {
    const { script, args, env, logFile, line, died } = this.#options;
    const child = spawn(process.execPath, [resolve(DIST, script), ...args()], {
      stdio: ['pipe', 'pipe', openSync(logFile, 'a')],
      env,
    });
    this.#child = child;
    this.#startedMs = performance.now();
    this.#expectedEnd = false;
    child.stdin?.on('error', () => undefined);
    this.#closed = once(child, 'close');
    if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (text) => line?.(text));
    child.once('exit', (code, signal) => {
      if (this.#child !== child || this.#expectedEnd) return;
      died?.(signal ?? `exit code ${code}`);
    });
  }

  /** Announces that another part of the test ends the process. */
  expectEnd(): void {
    this.#expectedEnd = true;
  }

  /** Kills the process; resolves when all its output was read. */
  async kill(): Promise<void> {
    this.#expectedEnd = true;
    this.#child?.kill('SIGKILL');
    await this.#closed;
  }

  /** Sends SIGTERM, later SIGKILL; resolves when the process has ended. */
  async stop(): Promise<void> {
    this.#expectedEnd = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await this.#closed;
    clearTimeout(timer);
  }
}
