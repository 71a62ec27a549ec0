/**
 * One process of the chaos run that may be killed and started again: the host server, the
 * simulator, a provider or a reader. `ChaosSystem`, `Reader` and the system tests own participants.
 * Spawns the process, reads its standard output line by line, and appends its standard error to a
 * log file.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';

const DIST = fileURLToPath(new URL('../..', import.meta.url));
/** Time from SIGTERM to SIGKILL. */
const STOP_TIMEOUT_MS = 15_000;

export interface ParticipantOptions {
  readonly name: string;
  /** Compiled module below the build directory. */
  readonly script: string;
  /** Called at every start. */
  readonly args: () => readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Standard error is appended here. */
  readonly logFile: string;
  readonly onLine?: (line: string) => void;
  /** Called when the process ended without a kill or stop of its owner. */
  readonly onUnexpectedExit?: (how: string) => void;
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
    const { script, args, env, logFile } = this.#options;
    const child = spawn(process.execPath, [resolve(DIST, script), ...args()], {
      stdio: ['pipe', 'pipe', openSync(logFile, 'a')],
      env,
    });
    this.#child = child;
    this.#startedMs = performance.now();
    this.#expectedEnd = false;
    child.stdin?.on('error', () => undefined);
    this.#closed = once(child, 'close');
    if (child.stdout !== null)
      createInterface({ input: child.stdout }).on('line', (text) => this.#options.onLine?.(text));
    child.once('exit', (code, signal) => {
      if (this.#child !== child || this.#expectedEnd) return;
      this.#options.onUnexpectedExit?.(signal ?? `exit code ${code}`);
    });
  }

  /** Call before another program ends this process, so that its end is not reported. */
  expectEnd(): void {
    this.#expectedEnd = true;
  }

  /** Sends SIGKILL; resolves when all output of the process was read. */
  async kill(): Promise<void> {
    this.#expectedEnd = true;
    this.#child?.kill('SIGKILL');
    await this.#closed;
  }

  /** Sends SIGTERM, after 15 seconds SIGKILL; resolves when the process has ended. */
  async stop(): Promise<void> {
    this.#expectedEnd = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#closed;
    clearTimeout(timer);
  }
}
