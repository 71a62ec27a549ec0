/**
 * One child process as its parent sees it: started, ready by its own message, stopped, ended. The
 * child is detached: it outlives its parent, and its output goes to a log file, never to a pipe
 * that would break. Supervisors start children with it. Starts and signals a process, opens the log
 * file.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../../base/clock.js';
import { MirrorflowError, describeError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { prepareDirectory } from '../../base/files/private-directory.js';
import { LOG_FILE_VARIABLE, rotateLog } from '../../base/log-rotation.js';
import { ownChildEnvironment } from './environment.js';
import type { SpareProcess } from './spare-process.js';
import type { StartedProcess } from './supervised-process.js';

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
  /** Whether the child ends with this process: its standard input ends, upon which it ends. */
  readonly endsWithParent?: boolean;
  /** Processes of the same script that were started before, to take in the place of a new one. */
  readonly spare?: SpareProcess;
  readonly clock: Clock;
}

export class Child<Ready> implements StartedProcess<Ready> {
  readonly adopted = false;
  /** The token of this start; unguessable, so that no other process reports ready for it. */
  readonly launch = randomBytes(16).toString('hex');
  /** Resolves with the child's report; rejects with START_FAILED or the child's own code. */
  readonly ready: Promise<Ready>;
  readonly exited: Promise<string>;
  readonly #spec: ChildSpec;
  readonly #process: ChildProcess;
  #settle: { readonly resolve: (ready: Ready) => void; readonly reject: (cause: Error) => void } | undefined;
  #state: 'living' | 'stopping' | 'ended' = 'living';
  #cancelTimer: () => void = () => undefined;

  /** Starts the process. Throws START_FAILED; later failures reject `ready`. */
  constructor(spec: ChildSpec) {
    this.#spec = spec;
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.ready.catch(() => undefined); // a start may fail before its parent waits for `ready`
    const log = openLog(spec);
    const logStart = fstatSync(log).size;
    try {
      this.#process = spawnChild(spec, log, this.launch);
    } finally {
      closeSync(log);
    }
    const readyTimeoutMs = spec.readyTimeoutMs ?? LIMITS.childReadyTimeoutMs;
    this.#cancelTimer = spec.clock.after(readyTimeoutMs, () => {
      this.#fail('TIMED_OUT', `${spec.title} did not report ready within ${readyTimeoutMs} ms`);
      void this.stop();
    });
    this.exited = new Promise((resolve) => {
      this.#process.once('error', (error) => {
        this.#fail('START_FAILED', `${spec.title} could not be started: ${describeError(error)}`);
        resolve(this.#ended('not started', logStart));
      });
      this.#process.once('exit', (code, signal) =>
        resolve(this.#ended(signal ?? `exit code ${code}`, logStart)),
      );
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  reportReady(ready: Ready): void {
    if (this.#settle === undefined) return;
    this.#cancelTimer();
    this.#settle.resolve(ready);
    this.#settle = undefined;
  }

  failed(cause: MirrorflowError): void {
    this.#settle?.reject(cause);
    this.#settle = undefined;
  }

  stop(): Promise<string> {
    if (this.#state === 'living') {
      this.#state = 'stopping';
      this.#fail('STOPPED', `${this.#spec.title} was stopped before it was ready`);
      this.#cancelTimer();
      this.#process.kill('SIGTERM');
      const { clock, stopTimeoutMs = LIMITS.childStopTimeoutMs } = this.#spec;
      this.#cancelTimer = clock.after(stopTimeoutMs, () => void this.#process.kill('SIGKILL'));
    }
    return this.exited;
  }

  /** The exit of a child is known without its connection. */
  connected(): void {}

  /** The exit of a child concerns its parent only while the parent lives. */
  release(): void {}

  #ended(exit: string, logStart: number): string {
    this.#state = 'ended';
    this.#cancelTimer();
    if (this.#settle === undefined) return exit;
    const { title, logFile } = this.#spec;
    const tail = logTail(logFile, logStart);
    const output = tail === '' ? 'it wrote nothing to its log' : `it wrote: ${tail}`;
    const message = `${title} ended before it was ready (${exit}); ${output}`;
    this.failed(new MirrorflowError('START_FAILED', message, { exit, logFile }));
    return exit;
  }

  #fail(code: 'TIMED_OUT' | 'START_FAILED' | 'STOPPED', message: string): void {
    this.failed(new MirrorflowError(code, message));
  }
}

function spawnChild(spec: ChildSpec, log: number, launch: string): ChildProcess {
  const { args, logFile } = spec;
  const spare = spec.spare?.take({ args, launch, logFile });
  if (spare !== undefined) return spare;
  try {
    const child = spawn(process.execPath, [spec.script, ...spec.args], {
      detached: true,
      stdio: [spec.endsWithParent === true ? 'pipe' : 'ignore', log, log],
      env: {
        ...ownChildEnvironment(process.env),
        [LAUNCH_VARIABLE]: launch,
        [LOG_FILE_VARIABLE]: spec.logFile,
      },
    });
    child.unref();
    child.stdin?.on('error', () => undefined); // the exit follows, and is reported
    return child;
  } catch (error) {
    const message = `${spec.title} could not be started: ${describeError(error)}`;
    throw new MirrorflowError('START_FAILED', message, {}, error);
  }
}

function openLog({ logFile, title }: ChildSpec): number {
  rotateLog(logFile);
  try {
    if (!existsSync(dirname(logFile))) prepareDirectory(dirname(logFile)); // removed a moment ago
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

/**
 * The last bytes, LIMITS.childStderrTailBytes at most, written to a log since `start`. A log that
 * was rotated meanwhile is shorter.
 */
function logTail(path: string, start: number): string {
  try {
    const fd = openSync(path, 'r');
    try {
      const { size } = fstatSync(fd);
      const from = Math.max(size < start ? 0 : start, size - LIMITS.childStderrTailBytes);
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
