/**
 * Supervises one child process: starts it, adopts one that an earlier parent has started, restarts
 * it after a death, stops it; the states are in supervision-state.ts. Start failure, death after
 * ready and requested stop are different outcomes; the owner (an application, a flow, the gateway,
 * the web viewer) decides what follows each. A child is ready by its own message only (`report`). A
 * start waits until all earlier processes have ended. Touches processes and time through its
 * options.
 */
import { MirrorflowError, describeError, isMirrorflowError } from '../../base/errors.js';
import { CurrentProcess } from './current-process.js';
import { LivingProcesses } from './living-processes.js';
import { Restarts } from './restarts.js';
import type { ProcessConnection, StartedProcess, SupervisedProcess } from './supervised-process.js';
import { watchPredecessor } from './predecessor-watch.js';
import type { SupervisedEnd, SupervisorOptions } from './supervisor-options.js';
import { nextState, type SupervisionEvent, type SupervisionState } from './supervision-state.js';

export class Supervisor<Ready, Connection extends ProcessConnection = ProcessConnection> {
  readonly #options: SupervisorOptions<Ready, Connection>;
  readonly #restarts: Restarts;
  /** The current process and earlier ones that have not ended yet. */
  readonly #living: LivingProcesses<Connection>;
  #state: SupervisionState = 'idle';
  /** Counts changes of the state, so that a late callback recognises that it is outdated. */
  #turn = 0;
  readonly #current = new CurrentProcess<Ready, Connection>();
  #cause: MirrorflowError | undefined;
  #cancelTimer: () => void = () => undefined;
  #stopping: Promise<void> = Promise.resolve();

  constructor(options: SupervisorOptions<Ready, Connection>) {
    this.#options = options;
    this.#restarts = new Restarts(options.title, options.restart);
    this.#living = new LivingProcesses(options.clock, options.quit);
  }

  get state(): SupervisionState {
    return this.#state;
  }

  /** Process id of the child that starts, runs or stops. */
  get pid(): number | undefined {
    return this.#current.process?.pid;
  }

  /** Whether that process was started by an earlier parent. */
  get adopted(): boolean {
    return this.#current.process?.adopted ?? false;
  }

  /** What the running process has reported. */
  get ready(): Ready | undefined {
    return this.#state === 'running' ? this.#current.ready : undefined;
  }

  get connection(): Connection | undefined {
    return this.#current.connection;
  }

  /** Why the last start failed or the process died, until one is ready again. */
  get cause(): MirrorflowError | undefined {
    return this.#cause;
  }

  /** Starts after deaths. */
  get restarts(): number {
    return this.#restarts.count;
  }

  /** Forgets earlier deaths and their cause; for a start that was requested. */
  reset(): void {
    this.#restarts.reset();
    this.#cause = undefined;
  }

  /** Starts the child, or expects its predecessor, when nothing runs. */
  start(): void {
    if (this.#state !== 'idle' && this.#state !== 'failed') return;
    this.#restarts.isUnderWay = false;
    this.#begin();
  }

  /** A living predecessor is expected to connect by itself. */
  expect(): void {
    const { predecessor, clock } = this.#options;
    if (predecessor === undefined || !this.#enter('expect')) return;
    this.#cancelTimer = watchPredecessor(predecessor, clock, (end) => this.#step(end));
  }

  /** The child died while no parent watched it: the same as a death now. */
  diedBefore(cause: MirrorflowError): void {
    if (this.#state === 'idle') this.#retry(cause);
  }

  /**
   * A process has reported that it is ready: false when it is not the current one, and may be
   * adopted. A child proves itself with its process id and the token of its start.
   */
  report(pid: number, launch: string | undefined, ready: Ready, connection: Connection): boolean {
    if (this.pid !== pid) return false;
    if (this.#state === 'running' || this.#state === 'stopping') {
      this.#current.attach(connection);
      return true;
    }
    const child = this.#state === 'starting' ? this.#current.startedWith(launch) : undefined;
    child?.reportReady(ready);
    if (child !== undefined) this.#run(ready, connection, 'ready');
    return child !== undefined;
  }

  /**
   * A running process that this parent has not started becomes its child. Throws REFUSED when
   * another one runs or this one is ending, STOPPED when the parent ends.
   */
  adopt(process: SupervisedProcess, ready: Ready, connection: Connection): void {
    this.#supersede(process);
    this.#run(ready, connection, 'adopt');
  }

  /** Stops a process that reported and does not fit. Throws as `adopt`. */
  replace(process: SupervisedProcess, connection: Connection): void {
    this.#supersede(process);
    this.#current.attach(connection);
    void this.stop();
  }

  /**
   * The child's own reason for a failed start. False when `launch` is not the token of this start.
   */
  startFailed(launch: string, cause: MirrorflowError): boolean {
    const child = this.#state === 'starting' ? this.#current.startedWith(launch) : undefined;
    child?.failed(cause);
    return child !== undefined;
  }

  /** Stops the process, or the expected predecessor; resolves when it has ended. Idempotent. */
  stop(): Promise<void> {
    if (this.#state === 'stopping' || this.#state === 'closed') return this.#stopping;
    if (this.#state === 'idle' && this.#living.isEmpty) return Promise.resolve();
    return this.#stopWith(this.#state === 'expecting');
  }

  /** The process ends by itself now, as agreed; it is stopped when that takes longer. */
  letEnd(withinMs: number, late: () => void): void {
    const { process } = this.#current;
    if (process === undefined || this.#state !== 'running' || !this.#enter('stop')) return;
    this.#stopping = process.exited.then(() => this.#step({ kind: 'stopped' }));
    this.#cancelTimer = this.#options.clock.after(withinMs, () => {
      late();
      void process.stop();
    });
  }

  /** Cancels a restart that is not needed any more. */
  cancelRestart(): void {
    if (this.#state === 'delayed') this.#enter('rest');
  }

  /** Stops all processes and starts none any more; resolves when they have ended. */
  close(): Promise<void> {
    const expecting = this.#state === 'expecting';
    if (this.#enter('close')) this.#stopping = this.#endAll(expecting);
    return this.#stopping;
  }

  /** Neither watches nor restarts any more: the process continues without this parent. */
  release(): void {
    this.#enter('close');
    this.#living.release();
  }

  #enter(event: SupervisionEvent): boolean {
    const next = nextState(this.#state, event);
    if (next === undefined) return false;
    this.#cancelTimer();
    this.#cancelTimer = () => undefined;
    this.#turn += 1;
    this.#state = next;
    if (next !== 'running' && next !== 'stopping' && next !== 'closed') this.#current.clear();
    this.#options.changed(next);
    return true;
  }

  #begin(): void {
    if (!this.#enter('start')) return;
    const turn = this.#turn;
    void this.#living.allExited().then(() => {
      if (turn !== this.#turn) return;
      if (this.#options.predecessor?.pid() === undefined) this.#launch(turn);
      else this.expect();
    });
  }

  #launch(turn: number): void {
    const failed = (thrown: unknown): void => {
      if (turn !== this.#turn) return;
      const message = `${this.#options.title} could not be started: ${describeError(thrown)}`;
      const cause = isMirrorflowError(thrown)
        ? thrown
        : new MirrorflowError('START_FAILED', message, {}, thrown);
      this.#step({ kind: 'start-failed', cause, isRestart: this.#restarts.isUnderWay });
    };
    let process: StartedProcess<Ready>;
    try {
      process = this.#options.launch();
    } catch (thrown) {
      failed(thrown);
      return;
    }
    this.#current.set(process);
    this.#watch(process);
    process.ready.catch(failed);
  }

  /** A start that failed is reported by `ready`, a requested stop by `#stopWith`. */
  #watch(process: SupervisedProcess): void {
    this.#living.add(process);
    void process.exited.then((exit) => {
      if (this.#current.process !== process || this.#state !== 'running') return;
      const message = `${this.#options.title} (process ${process.pid ?? 0}) died: ${exit}`;
      const cause = new MirrorflowError('CHILD_DIED', message, { exit });
      this.#step({ kind: 'died', cause, exit, adopted: process.adopted });
    });
  }

  #run(ready: Ready, connection: Connection, event: 'ready' | 'adopt'): void {
    this.#current.attach(connection);
    this.#current.reported(ready);
    this.#cause = undefined;
    this.#restarts.isUnderWay = false;
    this.#enter(event);
  }

  /** The process takes the place of whatever was starting or expected. */
  #supersede(process: SupervisedProcess): void {
    const { title } = this.#options;
    if (this.#state === 'closed')
      throw new MirrorflowError('STOPPED', `${title} is not used: its parent ends`);
    if (this.#state === 'running' || this.#state === 'stopping') {
      throw new MirrorflowError('REFUSED', `${title} is process ${this.pid} already`);
    }
    if (this.#living.has(process.pid)) {
      throw new MirrorflowError('REFUSED', `process ${process.pid} is being stopped`);
    }
    if (this.#state === 'starting') void this.#current.process?.stop();
    this.#current.set(process);
    this.#watch(process);
  }

  /** Decides what follows an end. */
  #step(end: SupervisedEnd): void {
    if (this.#state === 'closed') return;
    if ('cause' in end) this.#cause = end.cause;
    const step = this.#options.decide(end);
    switch (step) {
      case 'start':
        if (this.#state === 'running') this.#enter('retry'); // it has ended; without a delay
        this.#restarts.isUnderWay = false;
        return this.#begin();
      case 'expect':
        return this.expect();
      case 'replace':
        return void this.#stopWith(true);
      case 'retry':
        return this.#retry(this.#cause ?? new MirrorflowError('CHILD_DIED', `${this.#options.title} died`));
      case 'rest':
      case 'fail':
        return void this.#enter(step);
      default:
        return step satisfies never;
    }
  }

  #retry(cause: MirrorflowError): void {
    const { clock } = this.#options;
    const next = this.#restarts.afterEnd(clock.nowMs(), cause);
    this.#cause = typeof next === 'number' ? cause : next;
    if (!this.#enter(typeof next === 'number' ? 'retry' : 'fail') || typeof next !== 'number') return;
    this.#cancelTimer = clock.after(next, () => {
      this.#restarts.begin();
      this.#begin();
    });
  }

  #stopWith(predecessorToo: boolean): Promise<void> {
    if (!this.#enter('stop')) return Promise.resolve();
    const turn = this.#turn;
    const allExited = this.#living.allExited();
    this.#stopping = this.#endAll(predecessorToo)
      .then(() => allExited)
      .then(() => this.#options.afterStop?.())
      .then(() => {
        if (turn === this.#turn) this.#step({ kind: 'stopped' });
      });
    return this.#stopping;
  }

  async #endAll(predecessorToo: boolean): Promise<void> {
    const { predecessor } = this.#options;
    const { process: current, connection } = this.#current;
    const ends = this.#living.endAll((process) => (process === current ? connection : undefined));
    await Promise.all([ends, predecessorToo ? predecessor?.stop() : undefined]);
  }
}
