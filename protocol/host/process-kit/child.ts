/**
 * One child process as its parent sees it: started, ready by its own message, stopped, ended. Start
 * failure, death after ready and requested stop are three different outcomes. The child is detached:
 * it outlives its parent, and its output goes to a log file, never to a pipe that would break.
 * Supervisors start children with it. Starts and signals processes, appends to the log file.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Clock } from '../../base/clock.js';
import { MirrorflowError, describeError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { ownChildEnvironment } from './environment.js';
import type { ProcessOutcome, StartedProcess } from './supervised-process.js';

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
  /** LIMITS.childReadyTimeoutMs when left out. */
  readonly readyTimeoutMs?: number;
  /** From SIGTERM to SIGKILL; LIMITS.childStopTimeoutMs when left out. */
  readonly stopTimeoutMs?: number;
  /** Its standard input ends with this process, which the child takes as the order to end. */
  readonly endsWithParent?: boolean;
  readonly clock: Clock;
}

type ChildState = 'starting' | 'ready' | 'stopping' | 'ended';

export class Child<Ready> implements StartedProcess<Ready> {
  readonly adopted = false;
  readonly spec: ChildSpec;
  /** The token of this start; unguessable, so that no other process reports ready for it. */
  readonly launch = randomBytes(16).toString('hex');
  /** Resolves with the child's report; rejects with START_FAILED or the child's own code. */
  readonly ready: Promise<Ready>;
  /** Resolves, never rejects, when the process has ended. */
  readonly exited: Promise<ProcessOutcome>;
  readonly #process: ChildProcess;
  #state: ChildState = 'starting';
  #failure: MirrorflowError | undefined;
  #resolveReady: ((ready: Ready) => void) | undefined;
  #rejectReady: ((error: MirrorflowError) => void) | undefined;
  #cancelTimer: (() => void) | undefined;

  /** Starts the process. Throws START_FAILED; later failures reject `ready` and settle `exited`. */
  constructor(spec: ChildSpec) {
    this.spec = spec;
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.ready.catch(() => {}); // `exited` reports it too; a caller that awaits `ready` sees the rejection
    const log = openLog(spec);
    const logStart = fstatSync(log).size;
    try {
      this.#process = spawn(process.execPath, [spec.script, ...spec.args], {
        detached: true,
        stdio: [spec.endsWithParent === true ? 'pipe' : 'ignore', log, log],
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
    this.#process.stdin?.on('error', () => undefined); // the exit follows, and is reported
    const readyTimeoutMs = spec.readyTimeoutMs ?? LIMITS.childReadyTimeoutMs;
    this.#cancelTimer = spec.clock.after(readyTimeoutMs, () => {
      this.#fail('TIMED_OUT', `${spec.title} did not report ready within ${readyTimeoutMs} ms`);
      void this.stop();
    });
    this.exited = new Promise((resolve) => {
      this.#process.once('error', (error) => {
        this.#fail('START_FAILED', `${spec.title} could not be started: ${describeError(error)}`);
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

  reportReady(ready: Ready): void {
    if (this.#state !== 'starting') return;
    this.#state = 'ready';
    this.#cancelTimer?.();
    this.#resolveReady?.(ready);
  }

  failed(cause: MirrorflowError): void {
    if (this.#state !== 'starting' || this.#failure !== undefined) return;
    this.#failure = cause;
    this.#rejectReady?.(cause);
  }

  /** The exit of a child is known without its connection. */
  connected(): void {}

  /** The exit of a child concerns its parent only while the parent lives. */
  release(): void {}

  /**
   * SIGTERM, a bounded wait, SIGKILL; resolves when the process has ended. Any number of calls make
   * one stop.
   */
  async stop(): Promise<ProcessOutcome> {
    if (this.#state === 'starting' || this.#state === 'ready') {
      if (this.#state === 'starting')
        this.#fail('STOPPED', `${this.spec.title} was stopped before it was ready`);
      this.#state = 'stopping';
      this.#cancelTimer?.();
      this.#process.kill('SIGTERM');
      this.#cancelTimer = this.spec.clock.after(this.spec.stopTimeoutMs ?? LIMITS.childStopTimeoutMs, () => {
        this.#process.kill('SIGKILL');
      });
    }
    return this.exited;
  }

  #end(exit: string, logStart: number): ProcessOutcome {
    const before = this.#state;
    this.#state = 'ended';
    this.#cancelTimer?.();
    if (this.#failure !== undefined) return { kind: 'start-failed', cause: this.#failure };
    if (before === 'stopping') return { kind: 'stopped', exit };
    if (before === 'ready') return { kind: 'died', exit };
    const tail = logTail(this.spec.logFile, logStart);
    const output = tail === '' ? 'it wrote nothing to its log' : `it wrote: ${tail}`;
    const { title, logFile } = this.spec;
    const message = `${title} ended before it was ready (${exit}); ${output}`;
    const cause = new MirrorflowError('START_FAILED', message, { exit, logFile });
    this.#rejectReady?.(cause);
    return { kind: 'start-failed', cause };
  }

  #fail(code: 'TIMED_OUT' | 'START_FAILED' | 'STOPPED', message: string): void {
    this.failed(new MirrorflowError(code, message));
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

/** The last bytes, LIMITS.childStderrTailBytes at most, written to a log since `start`. */
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
