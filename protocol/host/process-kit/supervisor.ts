/**
 * Supervises one child process: starts it, adopts one that an earlier parent has started, restarts
 * it after a death, stops it. Start failure, death after ready and requested stop are three
 * different outcomes; the owner of the supervisor (an application, a flow, the gateway, the web
 * viewer) decides with `decide` what follows each. The states stand in supervision-state.ts. A
 * child is ready by its own message only (`report`), never by its start.
 *
 * Touches processes and time through its options only. At most one process is current; a start
 * waits until all earlier processes have ended.
 */
import { MirrorflowError, describeError, isMirrorflowError } from '../../base/errors.js';
import { LivingProcesses } from './living-processes.js';
import { CHILD_RESTART_LIMITS, RestartPolicy } from './restart-policy.js';
import type { ProcessConnection, StartedProcess, SupervisedProcess } from './supervised-process.js';
import type { Predecessor, SupervisedEnd, SupervisorOptions } from './supervisor-options.js';
import { nextState, type SupervisionEvent, type SupervisionState } from './supervision-state.js';

/** Interval at which the predecessor is checked: callers wait for it, for seconds at most. */
export const PREDECESSOR_POLL_MS = 20;

export class Supervisor<Ready, Connection extends ProcessConnection = ProcessConnection> {
  readonly #options: SupervisorOptions<Ready, Connection>;
  readonly #policy: RestartPolicy;
  /** The current process and earlier ones that have not ended yet. */
  readonly #living: LivingProcesses<Connection>;
  #state: SupervisionState = 'idle';
  /** Counts changes of the state, so that a late callback recognises that it is outdated. */
  #turn = 0;
  #process: SupervisedProcess | StartedProcess<Ready> | undefined;
  #ready: Ready | undefined;
  #connection: Connection | undefined;
  #cause: MirrorflowError | undefined;
  #restarts = 0;
  #isRestart = false;
  #cancelTimer: () => void = () => undefined;
  #stopping: Promise<void> = Promise.resolve();

  constructor(options: SupervisorOptions<Ready, Connection>) {
    this.#options = options;
    this.#policy = new RestartPolicy(options.restart ?? CHILD_RESTART_LIMITS);
    this.#living = new LivingProcesses(options.clock, options.quit);
  }

  get state(): SupervisionState {
    return this.#state;
  }

  /** Process id of the child that starts, runs or stops. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Whether that process was started by an earlier parent. */
  get adopted(): boolean {
    return this.#process?.adopted ?? false;
  }

  /** What the running process has reported. */
  get ready(): Ready | undefined {
    return this.#state === 'running' ? this.#ready : undefined;
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Why the last start failed or the process died, until one is ready again. */
  get cause(): MirrorflowError | undefined {
    return this.#cause;
  }

  /** Starts after deaths. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Forgets earlier deaths and their cause; for a start that was requested. */
  reset(): void {
    this.#policy.reset();
    this.#restarts = 0;
    this.#cause = undefined;
  }

  /** Starts the child, or expects its predecessor, when nothing runs. */
  start(): void {
    if (this.#state !== 'idle' && this.#state !== 'failed') return;
    this.#isRestart = false;
    this.#begin();
  }

  /** A living predecessor was found: it is expected to connect by itself. */
  expect(): void {
    const { predecessor, clock } = this.#options;
    if (predecessor === undefined || !this.#enter('found')) return;
    this.#pollPredecessor(predecessor, clock.nowMs() + predecessor.connectsWithinMs);
  }

  /** The child died while no parent watched it: the same as a death now. */
  diedBefore(cause: MirrorflowError): void {
    if (this.#state === 'idle') this.#retry(cause);
  }

  /**
   * A process has reported that it is ready, on `connection`: false when it is not the current one,
   * which may then be adopted. A child proves itself with its process id and the token of its
   * start.
   */
  report(pid: number, launch: string | undefined, ready: Ready, connection: Connection): boolean {
    const process = this.#process;
    if (process === undefined || process.pid !== pid) return false;
    if (this.#state !== 'starting' && this.#state !== 'running' && this.#state !== 'stopping') return false;
    if (this.#state !== 'starting') this.#attach(process, connection);
    else {
      if (!('launch' in process) || process.launch !== launch) return false;
      process.reportReady(ready);
      this.#run(process, ready, connection, 'ready');
    }
    return true;
  }

  /**
   * A running process that this parent has not started becomes its child. Throws REFUSED when
   * another one runs or this one is ending, STOPPED when the parent ends.
   */
  adopt(process: SupervisedProcess, ready: Ready, connection: Connection): void {
    this.#supersede(process);
    this.#run(process, ready, connection, 'adopt');
  }

  /** Stops a process that reported and does not fit. Throws as `adopt`. */
  replace(process: SupervisedProcess, connection: Connection): void {
    this.#supersede(process);
    this.#process = process;
    this.#attach(process, connection);
    void this.stop();
  }

  /** The child's own reason for a failed start. False when `launch` is not the token of this start. */
  startFailed(launch: string, cause: MirrorflowError): boolean {
    const process = this.#process;
    if (this.#state !== 'starting' || process === undefined) return false;
    if (!('launch' in process) || process.launch !== launch) return false;
    process.failed(cause);
    return true;
  }

  /**
   * Stops the process, and a predecessor that is expected; resolves when it has ended. Any number
   * of calls make one stop.
   */
  stop(): Promise<void> {
    if (this.#state === 'stopping' || this.#state === 'closed') return this.#stopping;
    if (this.#state === 'idle' && this.#living.isEmpty) return Promise.resolve();
    return this.#stopWith(this.#state === 'expecting');
  }

  /** The process ends by itself now, as agreed; it is stopped when that takes longer. */
  letEnd(withinMs: number, late: () => void): void {
    const process = this.#process;
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
    if (next !== 'running' && next !== 'stopping' && next !== 'closed') {
      this.#process = undefined;
      this.#connection = undefined;
    }
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
      const cause = isMirrorflowError(thrown) ? thrown : this.#notStarted(thrown);
      this.#step({ kind: 'start-failed', cause, isRestart: this.#isRestart });
    };
    let process: StartedProcess<Ready>;
    try {
      process = this.#options.launch();
    } catch (thrown) {
      failed(thrown);
      return;
    }
    this.#process = process;
    this.#watch(process);
    process.ready.catch(failed);
  }

  #notStarted(thrown: unknown): MirrorflowError {
    const message = `${this.#options.title} could not be started: ${describeError(thrown)}`;
    return new MirrorflowError('START_FAILED', message, {}, thrown);
  }

  /** A start that failed is reported by `ready`, a requested stop by `#stopWith`. */
  #watch(process: SupervisedProcess): void {
    this.#living.add(process);
    void process.exited.then((outcome) => {
      if (this.#process !== process || this.#state !== 'running') return;
      const exit = outcome.kind === 'start-failed' ? outcome.cause.message : outcome.exit;
      const message = `${this.#options.title} (process ${process.pid ?? 0}) died: ${exit}`;
      const cause = new MirrorflowError('CHILD_DIED', message, { exit });
      this.#step({ kind: 'died', cause, exit, adopted: process.adopted });
    });
  }

  #attach(process: SupervisedProcess, connection: Connection): void {
    this.#connection = connection;
    process.connected(connection);
    void connection.closed.then(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
  }

  #run(process: SupervisedProcess, ready: Ready, connection: Connection, event: 'ready' | 'adopt'): void {
    this.#process = process;
    this.#attach(process, connection);
    this.#ready = ready;
    this.#cause = undefined;
    this.#isRestart = false;
    this.#enter(event);
  }

  /** The process takes the place of whatever was starting or expected. */
  #supersede(process: SupervisedProcess): void {
    const { title } = this.#options;
    if (this.#state === 'closed')
      throw new MirrorflowError('STOPPED', `${title} is not used: its parent ends`);
    if (this.#state === 'running' || this.#state === 'stopping') {
      throw new MirrorflowError('REFUSED', `${title} is process ${this.#process?.pid} already`);
    }
    if (this.#living.has(process.pid)) {
      throw new MirrorflowError('REFUSED', `process ${process.pid} is being stopped`);
    }
    if (this.#state === 'starting') void this.#process?.stop();
    this.#watch(process);
  }

  #pollPredecessor(predecessor: Predecessor, untilMs: number): void {
    const { clock } = this.#options;
    this.#cancelTimer = clock.after(PREDECESSOR_POLL_MS, () => {
      const pid = predecessor.pid();
      if (pid === undefined) this.#step({ kind: 'predecessor-ended' });
      else if (clock.nowMs() < untilMs) this.#pollPredecessor(predecessor, untilMs);
      else this.#step({ kind: 'predecessor-late', cause: predecessor.late(pid) });
    });
  }

  /** Decides what follows an end. */
  #step(end: SupervisedEnd): void {
    if (this.#state === 'closed') return;
    if ('cause' in end) this.#cause = end.cause;
    const step = this.#options.decide(end);
    switch (step) {
      case 'start':
        this.#isRestart = false;
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
    const { clock, title, restart = CHILD_RESTART_LIMITS } = this.#options;
    const decision = this.#policy.died(clock.nowMs());
    this.#cause = cause;
    if (decision.kind === 'give-up') {
      const { deaths } = decision;
      const message =
        `${title} ended ${deaths} times within ${restart.windowMs / 1000} s and is not started again ` +
        `until it is requested; the last time: ${cause.message}`;
      this.#cause = new MirrorflowError(cause.code, message, { deaths }, cause);
      this.#enter('fail');
      return;
    }
    if (!this.#enter('retry')) return;
    this.#cancelTimer = clock.after(decision.delayMs, () => {
      this.#restarts += 1;
      this.#isRestart = true;
      this.#begin();
    });
  }

  #stopWith(predecessorToo: boolean): Promise<void> {
    if (!this.#enter('stop')) return Promise.resolve();
    const turn = this.#turn;
    const allExited = this.#living.allExited();
    this.#stopping = this.#endAll(predecessorToo)
      .then(() => allExited)
      .then(() => {
        if (turn === this.#turn) this.#step({ kind: 'stopped' });
      });
    return this.#stopping;
  }

  async #endAll(predecessorToo: boolean): Promise<void> {
    const { predecessor } = this.#options;
    const current = this.#process;
    const ends = this.#living.endAll((process) => (process === current ? this.#connection : undefined));
    await Promise.all([ends, predecessorToo ? predecessor?.stop() : undefined]);
  }
}
