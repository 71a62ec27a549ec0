/**
 * One child process, seen from its parent: started, ready by its own message, stopped, gone. Start
 * failure, death after ready and requested stop are three different outcomes. The child is detached
 * from the parent's life: when the parent dies it goes on, and its output goes to a log file, never
 * to a pipe that would break.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Clock } from '../../base/clock.js';
import { MirrorflowError, describeError, type ErrorCode, type ErrorFacts } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { ownChildEnvironment } from './environment.js';

/**
 * The environment variable that carries the launch token to the child, which returns it with its
 * ready message.
 */
export const LAUNCH_VARIABLE = 'MIRRORFLOW_LAUNCH';

export interface ChildSpec {
  /** What it is, for messages: `duplicator e23001/spectra`. */
  readonly title: string;
  /** Absolute path of the compiled main module. */
  readonly script: string;
  readonly args: readonly string[];
  /** File its standard output and error are appended to; mode 0640. */
  readonly logFile: string;
  readonly readyTimeoutMs?: number;
  readonly stopTimeoutMs?: number;
  readonly clock: Clock;
}

type ChildState = 'starting' | 'ready' | 'stopping' | 'gone';

/** How a child ended. `cause` is the error of a start that failed. */
export type ChildOutcome =
  | { readonly kind: 'start-failed'; readonly cause: MirrorflowError }
  | { readonly kind: 'died'; readonly exit: string }
  | { readonly kind: 'stopped'; readonly exit: string };

export class Child<Ready> {
  readonly spec: ChildSpec;
  /** Names this very start; unguessable, so that nobody else reports ready for it. */
  readonly launch = randomBytes(16).toString('hex');
  /**
   * Resolves with what the child reported, rejects with START_FAILED (or the child's own code) and
   * its cause.
   */
  readonly ready: Promise<Ready>;
  /** Always resolves, when the process has ended and was awaited. */
  readonly exited: Promise<ChildOutcome>;
  readonly #process: ChildProcess;
  #state: ChildState = 'starting';
  #failure: MirrorflowError | undefined;
  #resolveReady: ((ready: Ready) => void) | undefined;
  #rejectReady: ((error: MirrorflowError) => void) | undefined;
  #cancelTimer: (() => void) | undefined;

  /**
   * Starts the process. Throws START_FAILED when not even that is possible; any later failure is
   * told by `ready` and `exited`.
   */
  constructor(spec: ChildSpec) {
    this.spec = spec;
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.ready.catch(() => {}); // the outcome says it too; whoever awaits `ready` still sees the rejection
    const log = openLog(spec);
    const logStart = fstatSync(log).size;
    try {
      this.#process = spawn(process.execPath, [spec.script, ...spec.args], {
        detached: true,
        stdio: ['ignore', log, log],
        env: {
          ...ownChildEnvironment(process.env),
          [LAUNCH_VARIABLE]: this.launch,
        },
      });
    } catch (error) {
      throw new MirrorflowError(
        'START_FAILED',
        `${spec.title} could not be started: ${describeError(error)}`,
        {},
        error,
      );
    } finally {
      closeSync(log);
    }
    this.#process.unref();
    const readyTimeoutMs = spec.readyTimeoutMs ?? LIMITS.childReadyTimeoutMs;
    this.#cancelTimer = spec.clock.after(readyTimeoutMs, () => {
      this.failed('TIMED_OUT', `${spec.title} did not report ready within ${readyTimeoutMs} ms`);
      void this.stop();
    });
    this.exited = new Promise((resolve) => {
      this.#process.once('error', (error) => {
        this.failed('START_FAILED', `${spec.title} could not be started: ${describeError(error)}`);
        resolve(this.#end('not started', logStart));
      });
      this.#process.once('exit', (code, signal) =>
        resolve(this.#end(signal ?? `exit code ${code}`, logStart)),
      );
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get state(): ChildState {
    return this.#state;
  }

  /** The child's ready message has come. */
  reportReady(ready: Ready): void {
    if (this.#state !== 'starting') return;
    this.#state = 'ready';
    this.#cancelTimer?.();
    this.#resolveReady?.(ready);
  }

  /** The child's own word on why it cannot become ready; it ends by itself afterwards. */
  failed(code: ErrorCode, message: string, facts: ErrorFacts = {}): void {
    if (this.#state !== 'starting' || this.#failure !== undefined) return;
    this.#failure = new MirrorflowError(code, message, facts);
    this.#rejectReady?.(this.#failure);
  }

  /**
   * SIGTERM, a bounded wait, SIGKILL; resolves when the process has ended. Any number of calls make
   * one stop.
   */
  async stop(): Promise<ChildOutcome> {
    if (this.#state === 'starting' || this.#state === 'ready') {
      if (this.#state === 'starting')
        this.failed('STOPPED', `${this.spec.title} was stopped before it was ready`);
      this.#state = 'stopping';
      this.#cancelTimer?.();
      this.#process.kill('SIGTERM');
      this.#cancelTimer = this.spec.clock.after(this.spec.stopTimeoutMs ?? LIMITS.childStopTimeoutMs, () => {
        this.#process.kill('SIGKILL');
      });
    }
    return this.exited;
  }

  #end(exit: string, logStart: number): ChildOutcome {
    const before = this.#state;
    this.#state = 'gone';
    this.#cancelTimer?.();
    if (this.#failure !== undefined) return { kind: 'start-failed', cause: this.#failure };
    if (before === 'stopping') return { kind: 'stopped', exit };
    if (before === 'ready') return { kind: 'died', exit };
    const tail = logTail(this.spec.logFile, logStart);
    const said = tail === '' ? 'it said nothing' : `it said: ${tail}`;
    const cause = new MirrorflowError(
      'START_FAILED',
      `${this.spec.title} ended before it was ready (${exit}); ${said}`,
      {
        exit,
        logFile: this.spec.logFile,
      },
    );
    this.#failure = cause;
    this.#rejectReady?.(cause);
    return { kind: 'start-failed', cause };
  }
}

function openLog({ logFile, title }: ChildSpec): number {
  try {
    return openSync(logFile, 'a', 0o640);
  } catch (error) {
    throw new MirrorflowError(
      'START_FAILED',
      `${title} could not be started: its log ${logFile} cannot be opened: ${describeError(error)}`,
      { logFile },
      error,
    );
  }
}

/** What was written to a log since `start`, its last part only. */
function logTail(path: string, start: number): string {
  try {
    const fd = openSync(path, 'r');
    try {
      const { size } = fstatSync(fd);
      const from = Math.max(start, size - LIMITS.childStderrTailBytes);
      const bytes = Buffer.alloc(Math.max(0, size - from));
      readSync(fd, bytes, 0, bytes.length, from);
      return bytes.toString('utf8').trim();
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}
