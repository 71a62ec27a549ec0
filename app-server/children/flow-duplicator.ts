/**
 * The duplicator of one flow, as its app server supervises it: started when a client opens the
 * flow, once however many clients open it, and restarted after a death while a client has the flow
 * open. The flow's `Flow` owns it. Processes, files and time come in as parameters.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import type {
  StartedProcess,
  SupervisedProcess,
} from '../../protocol/host/process-kit/supervised-process.js';
import type { SupervisionState } from '../../protocol/host/process-kit/supervision-state.js';
import { Supervisor } from '../../protocol/host/process-kit/supervisor.js';
import type { NextStep, SupervisedEnd } from '../../protocol/host/process-kit/supervisor-options.js';
import { Waiters } from '../../protocol/host/process-kit/waiters.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import type { DuplicatorReady, FlowState } from '../../protocol/rpc/contract/shapes.js';
import { callerOf, type Caller } from '../../protocol/rpc/xml-rpc/contract.js';

/**
 * After a failure a client that opens the flow starts its duplicator again at once; a client that
 * had the flow open and reopens it by itself does so only after this time, so that programs that
 * retry do not make a crash loop of it.
 */
const REST_AFTER_FAILURE_MS = 5_000;

/** A duplicator that was released ends within this time, or is stopped. */
const RELEASED_ENDS_WITHIN_MS = 2_000;

/** A duplicator without its app server tries to connect four times a second. */
export const OWNER_SUBSCRIBES_WITHIN_MS = 2_000;

/** From duplicator.quit to SIGTERM. */
export const QUIT_TIMEOUT_MS = 500;

/** What the public states of a flow call those of its supervisor. */
const FLOW_STATES: Readonly<Record<SupervisionState, FlowState>> = {
  idle: 'idle',
  starting: 'starting',
  expecting: 'starting',
  running: 'running',
  stopping: 'stopping',
  delayed: 'starting',
  failed: 'failed',
  closed: 'stopping',
};

/** The permanent connection of a duplicator: calls to it, and its end. */
export interface DuplicatorConnection extends Caller {
  readonly closed: Promise<void>;
}

export interface FlowDuplicatorOptions {
  /** `e23001/spectra`, for messages. */
  readonly title: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Starts a process; a throw is a failed start. */
  readonly launch: () => StartedProcess<DuplicatorReady>;
  /** The process id of the living owner of the flow file, if there is one. */
  readonly livingOwner: () => number | undefined;
  /** Stops that owner, which has not subscribed; resolves when it has ended. */
  readonly stopOwner: () => Promise<void>;
  /** Whether the process that was ready still runs. */
  readonly isAlive: (ready: DuplicatorReady) => boolean;
  /** Whether a client that was answered has the flow open: then its duplicator is restarted. */
  readonly isOpen: () => boolean;
  /** The state has changed. */
  readonly changed: () => void;
}

export class FlowDuplicator {
  readonly #options: FlowDuplicatorOptions;
  readonly #supervisor: Supervisor<DuplicatorReady, DuplicatorConnection>;
  readonly #waiters = new Waiters<DuplicatorReady>();
  /** Duplicators that have run here. */
  #runs = 0;
  /** Why the owner of the flow file was refused, until a duplicator runs. */
  #refusal: string | undefined;
  /** The one that runs has reported that it ends for a new one. */
  #isReplaced = false;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: FlowDuplicatorOptions) {
    this.#options = options;
    const { clock, launch, livingOwner, stopOwner, title } = options;
    this.#supervisor = new Supervisor({
      title: `the duplicator of flow ${title}`,
      clock,
      launch,
      decide: (end) => this.#decide(end),
      changed: (state) => this.#changed(state),
      predecessor: {
        pid: livingOwner,
        stop: stopOwner,
        connectsWithinMs: OWNER_SUBSCRIBES_WITHIN_MS,
        lateError: (pid) => this.#ownerLateError(pid),
      },
      quit: {
        ask: (connection) =>
          callerOf(CONTRACT, connection)('duplicator.quit', [], { timeoutMs: QUIT_TIMEOUT_MS }),
        withinMs: QUIT_TIMEOUT_MS,
      },
    });
  }

  get state(): FlowState {
    return FLOW_STATES[this.#supervisor.state];
  }

  /** Starts after deaths. */
  get restarts(): number {
    return this.#supervisor.restarts;
  }

  /** Why it failed or died, until it runs again. */
  get cause(): string | undefined {
    return this.#supervisor.cause?.message;
  }

  /** Whether another duplicator has run here before the current one. */
  get hasPredecessor(): boolean {
    return this.#runs > 1;
  }

  get ready(): DuplicatorReady | undefined {
    return this.#supervisor.ready;
  }

  get pid(): number | undefined {
    return this.#supervisor.pid;
  }

  /** Nothing runs and nothing is to be started. */
  get isIdle(): boolean {
    return this.#supervisor.state === 'idle' || this.#supervisor.state === 'failed';
  }

  /**
   * Resolves with a running duplicator, started where needed. Rejects with the reason why it cannot
   * run. `again`: the client had the flow open and reopens it by itself after its duplicator ended.
   */
  whenReady(again = false): Promise<DuplicatorReady> {
    const { state, ready, cause } = this.#supervisor;
    // The client may see the death of the duplicator before this process does.
    if (ready !== undefined && (!again || this.#options.isAlive(ready))) return Promise.resolve(ready);
    if (state === 'closed') return Promise.reject(this.#stopped());
    if (again && state === 'failed' && cause !== undefined) {
      const restedMs = this.#options.clock.nowMs() - this.#failedAtMs;
      if (restedMs < REST_AFTER_FAILURE_MS) return Promise.reject(cause);
    }
    const answer = this.#waiters.wait();
    this.#supervisor.start();
    return answer;
  }

  /** A living process owns the flow file at the start of the app server: it is to subscribe. */
  expectOwner(): void {
    this.#supervisor.expect();
  }

  /** A duplicator reports that it is ready. False when it is not the current one. */
  subscribed(ready: DuplicatorReady, connection: DuplicatorConnection): boolean {
    return this.#supervisor.report(ready.identity.pid, ready.launch, ready, connection);
  }

  /** Takes over a duplicator that was found running. Throws REFUSED when there is another. */
  adopt(process: SupervisedProcess, ready: DuplicatorReady, connection: DuplicatorConnection): void {
    this.#supervisor.adopt(process, ready, connection);
  }

  /**
   * Stops a duplicator that was found running and does not fit; waiting clients get the next one.
   * Throws as `adopt`.
   */
  replace(process: SupervisedProcess, connection: DuplicatorConnection): void {
    this.#supervisor.replace(process, connection);
  }

  /** The owner of the flow file was refused: the reason that an open waiting for it reports. */
  ownerRefused(reason: string): void {
    this.#refusal = reason;
  }

  /** A child reports why it cannot start. False when `launch` is not the token of this start. */
  startFailed(launch: string, cause: MirrorflowError): boolean {
    return this.#supervisor.startFailed(launch, cause);
  }

  /**
   * The duplicator ends by itself now; a client that opens the flow from here on waits for that.
   */
  released(): void {
    const { pid } = this.#supervisor;
    this.#supervisor.letEnd(RELEASED_ENDS_WITHIN_MS, () => {
      const { log, title } = this.#options;
      log.warn('a released duplicator did not end, stopping it', { flow: title, pid });
    });
  }

  /** The duplicator ends by itself for a new one to take its place: that is no death. */
  replaced(): void {
    this.#isReplaced = true;
  }

  /** Stops the duplicator, so that the next one is started with another definition. */
  retire(): void {
    const { state } = this.#supervisor;
    if (state === 'starting' || state === 'running') void this.#supervisor.stop();
  }

  /** A client has closed the flow: a restart without a client that needs it is cancelled. */
  cancelNeedlessRestart(): void {
    if (!this.#isNeeded()) this.#supervisor.cancelRestart();
  }

  /** Stops what runs, rejects waiting clients with STOPPED, and starts nothing any more. */
  async close(): Promise<void> {
    const stopping = this.#supervisor.close();
    this.#waiters.rejectAll(this.#stopped());
    await stopping;
  }

  #isNeeded(): boolean {
    return this.#waiters.count > 0 || this.#options.isOpen();
  }

  #decide(end: SupervisedEnd): NextStep {
    const { title, log, isOpen } = this.#options;
    switch (end.kind) {
      case 'start-failed':
        if (isMirrorflowError(end.cause, 'FILE_OWNED')) return 'expect';
        return this.#startFailed(end.cause);
      case 'predecessor-late':
        return this.#startFailed(end.cause);
      case 'died':
        if (this.#isReplaced) {
          log.info('the duplicator is replaced', { flow: title, pid: this.pid });
          return this.#waiters.count > 0 || isOpen() ? 'start' : 'rest';
        }
        log.warn('a duplicator died', { flow: title, pid: this.pid, how: end.exit });
        return this.#waiters.count > 0 || isOpen() ? 'retry' : 'rest';
      case 'stopped':
      case 'predecessor-ended':
        return this.#waiters.count > 0 ? 'start' : 'rest';
      default:
        return end satisfies never;
    }
  }

  #startFailed(cause: MirrorflowError): NextStep {
    const { title, log, isOpen } = this.#options;
    log.warn('a duplicator could not be started', { flow: title, code: cause.code, error: cause });
    this.#waiters.rejectAll(cause);
    return isOpen() ? 'retry' : 'fail';
  }

  #changed(state: SupervisionState): void {
    const { title: flow, log, clock, livingOwner } = this.#options;
    const { ready, pid, cause } = this.#supervisor;
    if (state === 'running' && ready !== undefined) {
      this.#runs += 1;
      this.#isReplaced = false;
      this.#refusal = undefined;
      log.info('the duplicator is ready', { flow, pid });
      this.#waiters.resolveAll(ready);
    } else if (state === 'expecting') {
      log.info('waiting for the duplicator that owns the flow', { flow, pid: livingOwner() });
    } else if (state === 'failed') {
      this.#failedAtMs = clock.nowMs();
      log.error('the duplicator is not started again', { flow, cause: cause?.message });
    }
    this.#options.changed();
  }

  #ownerLateError(pid: number): MirrorflowError {
    const reason = this.#refusal ?? `it has not subscribed within ${OWNER_SUBSCRIBES_WITHIN_MS} ms`;
    const message =
      `the file of flow ${this.#options.title} belongs to the running process ${pid}, ` +
      `which is not used: ${reason}. End that process`;
    return new MirrorflowError('FILE_OWNED', message, { pid });
  }

  #stopped(): MirrorflowError {
    const message = `the app server ends; flow ${this.#options.title} cannot be opened`;
    return new MirrorflowError('STOPPED', message);
  }
}
