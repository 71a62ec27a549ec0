/**
 * A program that is started before it is needed: it has loaded its code and waits, without using
 * the processor, for the arguments of a child that its parent starts later. The parent's side; the
 * program's is assignment.ts. Half of a cold start is the start of Node.js. Starts a process, which
 * ends with its parent, writes to its standard input.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/log.js';
import { SPARE_ARGUMENT, type Assignment } from './assignment.js';
import { ownChildEnvironment } from './environment.js';

/** The child that took the last one has started by then: the two do not share its processor. */
const NEXT_AFTER_MS = 100;

export interface SpareProcessOptions {
  /** Absolute path of the compiled main module. */
  readonly script: string;
  /**
   * What lists of processes show of it, behind the script. As long as those of a child, which they
   * show afterwards.
   */
  readonly label: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export class SpareProcess {
  readonly #options: SpareProcessOptions;
  #waiting: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #cancelNext: () => void = () => undefined;
  #isClosed = false;

  constructor(options: SpareProcessOptions) {
    this.#options = options;
  }

  /** Of the one that waits. */
  get pid(): number | undefined {
    return this.#waiting?.pid;
  }

  /** Starts one, unless one waits. A failure is logged: children start without it then. */
  keep(): void {
    this.#cancelNext();
    if (this.#isClosed || this.#waiting !== undefined) return;
    const { script, label, log } = this.#options;
    let child: ChildProcess;
    try {
      child = spawn(process.execPath, [script, SPARE_ARGUMENT, label], {
        detached: true,
        stdio: ['pipe', 'ignore', 'inherit'],
        env: ownChildEnvironment(process.env),
      });
    } catch (error) {
      log.warn('a spare process was not started', { label, error });
      return;
    }
    child.unref();
    child.stdin?.on('error', () => undefined); // the exit follows
    this.#waiting = child;
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        if (this.#waiting === child) this.#waiting = undefined;
        resolve();
      };
      child.once('exit', end);
      child.once('error', (error) => {
        log.warn('a spare process was not started', { label, error });
        end();
      });
    });
  }

  /**
   * The process that waits, which does what is assigned from now on as the caller's child;
   * undefined without one. The next one is started a little later.
   */
  take(assignment: Assignment): ChildProcess | undefined {
    const child = this.#waiting;
    this.#waiting = undefined;
    if (!this.#isClosed) {
      this.#cancelNext();
      this.#cancelNext = this.#options.clock.after(NEXT_AFTER_MS, () => this.keep(), true);
    }
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return undefined;
    child.removeAllListeners('exit').removeAllListeners('error');
    child.stdin?.end(`${JSON.stringify(assignment)}\n`);
    return child;
  }

  /** Ends the one that waits, and starts none any more; resolves when it has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelNext();
    const child = this.#waiting;
    if (child === undefined) return;
    child.ref();
    child.kill('SIGKILL'); // it owns nothing yet
    await this.#ended;
  }
}
