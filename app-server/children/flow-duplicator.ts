/**
 * The life of a flow's duplicator: started at need and once, however many ask; awaited where
 * another owner is known to live; restarted after a death while somebody has the flow open.
 * Processes, files and time come in as parameters.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { DuplicatorReady, FlowState } from '../../protocol/rpc/contract/shapes.js';
import { isMirrorflowError, MirrorflowError, type ErrorCode } from '../../protocol/base/errors.js';
import { errorForCaller } from '../../protocol/rpc/xml-rpc/fault.js';
import type { Logger } from '../../protocol/base/log.js';
import { CHILD_RESTART_LIMITS, RestartPolicy } from '../../protocol/host/process-kit/restart-policy.js';
import type { DuplicatorConnection, DuplicatorHandle, StartedDuplicator } from './duplicator-handle.js';
import { OWNER_SUBSCRIBES_WITHIN_MS, expectOwner } from './expected-owner.js';
import { STATE_OF_PHASE, type Phase, type Starting } from './duplicator-phase.js';
import { Waiters } from './waiters.js';

/**
 * A duplicator that failed or was given up is started again for somebody who opens the flow, at
 * once; for those who had it open and ask by themselves, only so long after: programs that try
 * again must not make a crash loop of it.
 */
const REST_AFTER_FAILURE_MS = 5_000;

/** A duplicator that was released ends within this time, or is stopped. */
const RELEASED_ENDS_WITHIN_MS = 2_000;

export interface FlowDuplicatorOptions {
  /** `e23001/spectra`, for messages. */
  readonly title: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Starts a process; a throw is a start that failed. */
  readonly launch: () => StartedDuplicator;
  /** The process id of the living owner of the flow file, if there is one. */
  readonly livingOwner: () => number | undefined;
  /** Ends that owner, which has not subscribed; resolves when it has ended. */
  readonly stopOwner: () => Promise<void>;
  /** Whether the process that was ready still runs. */
  readonly isAlive: (ready: DuplicatorReady) => boolean;
  /** Whether anybody who was answered has the flow open: then its duplicator is started again. */
  readonly wanted: () => boolean;
  /** The phase has changed. */
  readonly changed: () => void;
}

export class FlowDuplicator {
  readonly #options: FlowDuplicatorOptions;
  readonly #policy = new RestartPolicy();
  readonly #waiters = new Waiters<DuplicatorReady>();
  /** Processes that have not ended yet; the next start waits for them. */
  readonly #living = new Set<DuplicatorHandle>();
  #phase: Phase = { kind: 'idle' };
  #restarts = 0;
  #runs = 0;
  #cause: string | undefined;
  #refusal: string | undefined;
  #failure: { readonly atMs: number; readonly error: MirrorflowError } | undefined;

  constructor(options: FlowDuplicatorOptions) {
    this.#options = options;
  }

  get state(): FlowState {
    return STATE_OF_PHASE[this.#phase.kind];
  }

  /** Times it was started again after a death. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Why it failed or died, until it runs again. */
  get cause(): string | undefined {
    return this.#cause;
  }

  /** Whether one was seen to run here before the one of now. */
  get follows(): boolean {
    return this.#runs > 1;
  }

  get ready(): DuplicatorReady | undefined {
    return this.#phase.kind === 'running' ? this.#phase.ready : undefined;
  }

  get pid(): number | undefined {
    const phase = this.#phase;
    if (phase.kind === 'starting') return phase.own?.pid;
    return phase.kind === 'running' || phase.kind === 'stopping' ? phase.handle.pid : undefined;
  }

  /** Nothing runs and nothing is to be started. */
  get isQuiet(): boolean {
    return this.#phase.kind === 'idle' || this.#phase.kind === 'failed';
  }

  /**
   * Resolves with a running duplicator, started where needed. Rejects with why it cannot run.
   * `again`: asked by a client's own accord, which had the flow open when its duplicator went.
   */
  whenReady(again = false): Promise<DuplicatorReady> {
    const phase = this.#phase;
    // Whoever had it open may know of its death before this process does, and is not sent back to
    // the dead.
    if (phase.kind === 'running' && (!again || this.#options.isAlive(phase.ready)))
      return Promise.resolve(phase.ready);
    if (phase.kind === 'closed') return Promise.reject(this.#stopped());
    if (again && phase.kind === 'failed' && this.#failure !== undefined) {
      const restedMs = this.#options.clock.nowMs() - this.#failure.atMs;
      if (restedMs < REST_AFTER_FAILURE_MS) return Promise.reject(this.#failure.error);
    }
    const ready = this.#waiters.wait();
    if (this.isQuiet) this.#begin();
    return ready;
  }

  /** A living process owns the flow file, found at the start: it is expected to subscribe. */
  expectOwner(): void {
    if (this.isQuiet) this.#expect();
  }

  /** A child that was started says that it is ready. False when `launch` is not its token. */
  subscribed(ready: DuplicatorReady, session: DuplicatorConnection): boolean {
    const phase = this.#phase;
    if (phase.kind === 'starting' && phase.own !== undefined && phase.own.launch === ready.launch) {
      phase.own.reportReady(ready);
      phase.own.connected(session);
      this.#run(phase.own, ready);
      return true;
    }
    if (phase.kind !== 'running' && phase.kind !== 'stopping') return false;
    if (phase.handle.pid !== ready.identity.pid) return false;
    phase.handle.connected(session);
    return true;
  }

  /** Takes over a duplicator that was found running. Throws REFUSED when there is another. */
  adopt(handle: DuplicatorHandle, ready: DuplicatorReady): void {
    this.#takeOver(handle);
    this.#run(handle, ready);
  }

  /**
   * Stops a duplicator that was found running and does not fit; whoever waits gets the next one.
   * Throws as adopt.
   */
  replace(handle: DuplicatorHandle): void {
    this.#takeOver(handle);
    this.#stop(handle);
  }

  #takeOver(handle: DuplicatorHandle): void {
    const phase = this.#phase;
    if (phase.kind === 'closed') throw this.#stopped();
    if (phase.kind === 'running' || phase.kind === 'stopping') {
      throw new MirrorflowError(
        'REFUSED',
        `flow ${this.#options.title} has the duplicator ${phase.handle.pid} already`,
      );
    }
    if (phase.kind === 'starting') void phase.own?.stop();
    if ('cancel' in phase) phase.cancel();
    this.#watch(handle);
  }

  /** The owner of the flow file was refused: what an open that waits for it will say. */
  refusedOwner(why: string): void {
    this.#refusal = why;
  }

  /** A child's own word on why it cannot start. False when `launch` is not its token. */
  startFailed(launch: string, code: ErrorCode, message: string): boolean {
    const phase = this.#phase;
    if (phase.kind !== 'starting' || phase.own?.launch !== launch) return false;
    phase.own.failed(code, message);
    return true;
  }

  /**
   * The duplicator ends by itself now; whoever asks from here on waits for that and gets the next
   * one.
   */
  released(): void {
    const phase = this.#phase;
    if (phase.kind !== 'running') return;
    const { clock, log, title } = this.#options;
    const cancel = clock.after(RELEASED_ENDS_WITHIN_MS, () => {
      log.warn('a released duplicator did not end, stopping it', { flow: title, pid: phase.handle.pid });
      void phase.handle.stop();
    });
    this.#enter({ kind: 'stopping', handle: phase.handle, cancel });
  }

  /** Stops the duplicator, so that the next one is started with another definition. */
  retire(): void {
    const phase = this.#phase;
    const handle =
      phase.kind === 'starting' ? phase.own : phase.kind === 'running' ? phase.handle : undefined;
    if (handle !== undefined) this.#stop(handle);
  }

  /** Somebody has closed the flow: a restart that nobody wants any more is called off. */
  reconsider(): void {
    if (this.#phase.kind !== 'delayed' || this.#waiters.count > 0 || this.#options.wanted()) return;
    this.#phase.cancel();
    this.#enter({ kind: 'idle' });
  }

  /** Stops what runs, rejects who waits with STOPPED, and starts nothing any more. */
  async close(): Promise<void> {
    const phase = this.#phase;
    if ('cancel' in phase) phase.cancel();
    this.#enter({ kind: 'closed' });
    this.#waiters.rejectAll(this.#stopped());
    const stops = [...this.#living].map((handle) => handle.stop());
    if (phase.kind === 'expecting') stops.push(this.#options.stopOwner());
    await Promise.all(stops);
  }

  #enter<P extends Phase>(phase: P): P {
    this.#phase = phase;
    this.#options.changed();
    return phase;
  }

  #begin(): void {
    const phase = this.#enter<Starting>({ kind: 'starting' });
    void Promise.all([...this.#living].map(({ ended }) => ended)).then(() => {
      if (this.#phase !== phase) return;
      if (this.#options.livingOwner() !== undefined) this.#expect();
      else this.#launch(phase);
    });
  }

  #launch(phase: Starting): void {
    try {
      phase.own = this.#options.launch();
    } catch (thrown) {
      this.#fail(errorForCaller(thrown));
      return;
    }
    this.#watch(phase.own);
    this.#options.log.info('starting a duplicator', { flow: this.#options.title, pid: phase.own.pid });
    phase.own.ready.catch((thrown: unknown) => {
      if (this.#phase !== phase) return;
      const cause = errorForCaller(thrown);
      if (isMirrorflowError(cause, 'FILE_OWNED')) this.#expect();
      else this.#fail(cause);
    });
  }

  #expect(): void {
    const { clock, log, title, livingOwner } = this.#options;
    log.info('waiting for the duplicator that owns the flow', { flow: title, pid: livingOwner() });
    const gone = (): void => {
      if (this.#waiters.count > 0) this.#begin();
      else this.#enter({ kind: 'idle' });
    };
    const late = (pid: number): void => {
      const why = this.#refusal ?? `it has not subscribed within ${OWNER_SUBSCRIBES_WITHIN_MS} ms`;
      const message = `the file of flow ${title} belongs to the running process ${pid}, which is not used: ${why}. End that process`;
      this.#fail(new MirrorflowError('FILE_OWNED', message, { pid }));
    };
    this.#enter({ kind: 'expecting', cancel: expectOwner({ clock, livingOwner, gone, late }) });
  }

  #stop(handle: DuplicatorHandle): void {
    this.#enter({ kind: 'stopping', handle, cancel: () => undefined });
    void handle.stop();
  }

  #run(handle: DuplicatorHandle, ready: DuplicatorReady): void {
    this.#cause = undefined;
    this.#refusal = undefined;
    this.#runs += 1;
    this.#enter({ kind: 'running', handle, ready });
    const { log, title } = this.#options;
    log.info('the duplicator is ready', { flow: title, pid: handle.pid, adopted: handle.adopted });
    this.#waiters.resolveAll(ready);
  }

  #watch(handle: DuplicatorHandle): void {
    this.#living.add(handle);
    void handle.ended.then((how) => {
      this.#living.delete(handle);
      const phase = this.#phase;
      if (phase.kind === 'running' && phase.handle === handle) this.#died(handle, how);
      if (phase.kind === 'stopping' && phase.handle === handle) {
        phase.cancel();
        if (this.#waiters.count > 0) this.#begin();
        else this.#enter({ kind: 'idle' });
      }
    });
  }

  #died(handle: DuplicatorHandle, how: string): void {
    const { title, log, wanted } = this.#options;
    this.#cause = `the duplicator (process ${handle.pid}) of flow ${title} died: ${how}`;
    log.warn('a duplicator died', { flow: title, pid: handle.pid, how });
    if (wanted() || this.#waiters.count > 0) this.#startAgain();
    else this.#enter({ kind: 'idle' });
  }

  #fail(cause: MirrorflowError): void {
    const { title, log, wanted } = this.#options;
    this.#cause = cause.message;
    log.warn('a duplicator could not be started', { flow: title, code: cause.code, error: cause });
    this.#failure = { atMs: this.#options.clock.nowMs(), error: cause };
    this.#waiters.rejectAll(cause);
    if (wanted()) this.#startAgain();
    else this.#enter({ kind: 'failed' });
  }

  #startAgain(): void {
    const { clock, title, log } = this.#options;
    const decision = this.#policy.died(clock.nowMs());
    if (decision.kind === 'give-up') {
      const seconds = CHILD_RESTART_LIMITS.windowMs / 1000;
      this.#cause =
        `the duplicator of flow ${title} ended ${decision.deaths} times within ${seconds} s and is given up ` +
        `until the flow is opened again; the last time: ${this.#cause}`;
      log.error('a duplicator is given up', { flow: title, deaths: decision.deaths });
      const givenUp = new MirrorflowError('CHILD_DIED', this.#cause, { deaths: decision.deaths });
      this.#failure = { atMs: clock.nowMs(), error: givenUp };
      this.#enter({ kind: 'failed' });
      return;
    }
    const cancel = clock.after(decision.delayMs, () => {
      this.#restarts += 1;
      this.#begin();
    });
    this.#enter({ kind: 'delayed', cancel });
  }

  #stopped(): MirrorflowError {
    return new MirrorflowError(
      'STOPPED',
      `the app server ends; flow ${this.#options.title} cannot be opened`,
    );
  }
}
