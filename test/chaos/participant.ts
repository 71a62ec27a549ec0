/** A program of the chaos run that is killed and started again: its process, its lines, its pid. */
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
  /** Asked at every start. */
  readonly args: () => readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Standard error is appended here. */
  readonly logFile: string;
  readonly line?: (line: string) => void;
  /** It ended and nobody had killed or stopped it. */
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

  /** Somebody else is about to end it. */
  expectEnd(): void {
    this.#expectedEnd = true;
  }

  /** Kills it; resolves when all it said was read. */
  async kill(): Promise<void> {
    this.#expectedEnd = true;
    this.#child?.kill('SIGKILL');
    await this.#closed;
  }

  /** SIGTERM, or the end of its input for programs that have nothing to close. */
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
