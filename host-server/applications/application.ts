/**
 * One application of this host: its options, its app server under supervision, and the callers that
 * wait for its start. `Applications` owns it; the handlers of host.run, host.stop and
 * host.subscribe end here. Touches processes and files through `ApplicationDependencies`.
 *
 * An application is `starting` while its app server starts, is expected to connect or waits for its
 * restart; see supervision-state.ts for the states of the process.
 */
import type { ApplicationReaders } from '../../protocol/rpc/contract/access-options.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { OwnerIdentity } from '../../protocol/base/owner-identity.js';
import { AdoptedProcess } from '../../protocol/host/process-kit/adopted-process.js';
import { Child } from '../../protocol/host/process-kit/child.js';
import type { SupervisionState } from '../../protocol/host/process-kit/supervision-state.js';
import { Supervisor } from '../../protocol/host/process-kit/supervisor.js';
import type { NextStep, SupervisedEnd } from '../../protocol/host/process-kit/supervisor-options.js';
import { Waiters } from '../../protocol/host/process-kit/waiters.js';
import { identityFromWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import type {
  AppServerReady,
  ApplicationInfo,
  ApplicationOptions,
  ApplicationState,
} from '../../protocol/rpc/contract/shapes.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { HostSession } from '../control/call-origin.js';
import type { ApplicationDependencies } from './application-dependencies.js';
import { optionsDifference } from './application-options.js';

const QUIT_CALL_TIMEOUT_MS = 1_000;

const APPLICATION_STATES: Readonly<Record<SupervisionState, ApplicationState>> = {
  idle: 'stopped',
  starting: 'starting',
  expecting: 'starting',
  running: 'running',
  stopping: 'stopping',
  delayed: 'starting',
  failed: 'failed',
  closed: 'stopped',
};

/** From the end of an adopted app server without a record to the second look for its cause. */
const SECOND_LOOK_MS = 300;

export class Application {
  readonly name: string;
  readonly configured: boolean;
  readonly #dependencies: ApplicationDependencies;
  readonly #supervisor: Supervisor<AppServerReady, HostSession>;
  readonly #waiters = new Waiters<void>();
  #options: ApplicationOptions;
  /** Started by a user and not by a host server: it is not restarted. */
  #byHand = false;
  #known: { readonly key: string; readonly readers: ApplicationReaders } | undefined;
  #startedAt: Date | undefined;
  /** State and cause that were announced last. */
  #announced: { readonly state: ApplicationState; readonly cause: MirrorflowError | undefined };

  constructor(options: ApplicationOptions, configured: boolean, dependencies: ApplicationDependencies) {
    this.name = options.name;
    this.#options = options;
    this.configured = configured;
    this.#dependencies = dependencies;
    this.#announced = { state: 'stopped', cause: undefined };
    this.#supervisor = this.#supervise(dependencies);
  }

  get state(): ApplicationState {
    return APPLICATION_STATES[this.#supervisor.state];
  }

  get options(): ApplicationOptions {
    return this.#options;
  }

  /** Why the start under way is a repair, or why it failed. */
  get #cause(): MirrorflowError | undefined {
    return this.state === 'starting' || this.state === 'failed' ? this.#supervisor.cause : undefined;
  }

  /** The permanent connection of its app server, while it runs. */
  get server(): HostSession | undefined {
    return this.state === 'running' ? this.#supervisor.connection : undefined;
  }

  info(): ApplicationInfo {
    const { ready, restarts, pid } = this.#supervisor;
    const cause = this.#cause;
    const source = ready?.source ?? this.#options.source;
    const { via } = this.#options;
    return {
      name: this.name,
      state: this.state,
      restarts,
      configured: this.configured,
      byHand: this.#byHand,
      readers: this.#readers(),
      ...(source !== undefined && { source }),
      ...(via !== undefined && { via }),
      ...(pid !== undefined && { pid }),
      ...(ready !== undefined && { port: ready.port, socket: ready.socket }),
      ...(this.#startedAt !== undefined && { startedAt: this.#startedAt }),
      ...(cause !== undefined && { cause: cause.message.slice(0, LIMITS.causeCharacters) }),
    };
  }

  /** Looked up again only when the access has changed: a name may be asked of a remote server. */
  #readers(): ApplicationReaders {
    const { recordedOptions, readersOf } = this.#dependencies;
    const recorded = this.#byHand && this.state === 'running' ? recordedOptions(this.name) : undefined;
    const options = recorded ?? this.#options;
    const key = JSON.stringify(options.access ?? {});
    if (this.#known?.key !== key) this.#known = { key, readers: readersOf(options) };
    return this.#known.readers;
  }

  /**
   * Resolves when the app server is ready: at once when it is. `asked` are the options that the
   * caller stated, `complete` those to start with. Rejects with the cause of a start that failed,
   * or APPLICATION_EXISTS when the app server runs with options other than those asked.
   */
  async run(asked: ApplicationOptions, complete: ApplicationOptions): Promise<ApplicationInfo> {
    while (this.state === 'stopping') await this.#supervisor.stop();
    if (this.state === 'stopped' || this.state === 'failed') this.#start(complete);
    else this.#checkSame(asked);
    if (this.state !== 'running') await this.#waiters.wait();
    return this.info();
  }

  /**
   * Stops the app server and all it has started, also those of a dead app server. Repeated calls
   * are one stop.
   */
  async stop(): Promise<void> {
    const message = `${this.name} was stopped before it was ready`;
    const stopped = this.#supervisor.stop();
    this.#waiters.rejectAll(new MirrorflowError('STOPPED', message));
    await stopped;
    if (this.state === 'stopped') this.#dependencies.removeLeftovers(this.name);
  }

  /** A living app server of an earlier host server: it connects by itself. */
  expect(options: ApplicationOptions): void {
    this.#options = options;
    this.#supervisor.expect();
  }

  /** Handles the death of an app server while no host server watched it, as if it died now. */
  resume(): void {
    const message = `the app server of ${this.name} died while no host server watched it`;
    this.#supervisor.diedBefore(new MirrorflowError('CHILD_DIED', message));
  }

  /**
   * Its app server has connected: true when it is not this host server's own child. Throws
   * APPLICATION_EXISTS when another one serves the application, STOPPED when it is being stopped.
   */
  subscribe(ready: AppServerReady, session: HostSession): boolean {
    const identity = identityFromWire(ready.identity);
    if (this.state === 'stopping') throw new MirrorflowError('STOPPED', `${this.name} is being stopped`);
    if (!this.#supervisor.report(identity.pid, ready.launch, ready, session)) {
      this.#adopt(identity, ready, session);
    }
    return this.#supervisor.adopted;
  }

  /**
   * The app server reports why it cannot start. False when `launch` is not the token of this start.
   */
  childFailed(launch: string, failure: MirrorflowError): boolean {
    return this.#supervisor.startFailed(launch, failure);
  }

  /** Neither watches nor restarts any more: the app server continues without this host server. */
  release(): void {
    this.#supervisor.release();
    this.#waiters.rejectAll(new MirrorflowError('STOPPED', 'the host server ends'));
  }

  #supervise(dependencies: ApplicationDependencies) {
    const { clock, times, childSpec, runningServer, stopServer, stopOrphans } = dependencies;
    return new Supervisor<AppServerReady, HostSession>({
      title: `the app server of ${this.name}`,
      clock,
      launch: () => new Child<AppServerReady>(childSpec(this.#options)),
      decide: (end) => this.#decide(end),
      changed: (state) => this.#changed(state),
      restart: times.restart,
      predecessor: {
        pid: () => runningServer(this.name),
        stop: () => stopServer(this.name),
        connectsWithinMs: times.readyTimeoutMs,
        lateError: (pid) => this.#lateError(pid),
      },
      quit: {
        ask: (session) => callerOf(CONTRACT, session)('app.quit', [], { timeoutMs: QUIT_CALL_TIMEOUT_MS }),
        withinMs: times.quitTimeoutMs,
      },
      // An app server that ends in good order stops its children itself; a dead one could not.
      afterStop: () => stopOrphans(this.name),
    });
  }

  #start(options: ApplicationOptions): void {
    const cause = this.#cause;
    // A running process that does not connect is in the way until it is stopped.
    if (cause?.code === 'TIMED_OUT' && this.#dependencies.runningServer(this.name) !== undefined) throw cause;
    this.#options = options;
    this.#byHand = false;
    this.#supervisor.reset();
    this.#supervisor.start();
  }

  /** Takes over an app server that an earlier host server or a user has started. */
  #adopt(identity: OwnerIdentity, ready: AppServerReady, session: HostSession): void {
    const { clock, times, runningServer, recordedOptions } = this.#dependencies;
    const expected = this.#supervisor.state === 'expecting' ? runningServer(this.name) : undefined;
    const current = this.#supervisor.pid ?? expected;
    if (current !== undefined && current !== identity.pid) {
      throw new MirrorflowError(
        'APPLICATION_EXISTS',
        `${this.name} has an app server already, process ${current}; stop it first, or use another name`,
        { name: this.name, pid: current },
      );
    }
    if (expected === undefined) {
      const recorded = recordedOptions(this.name) ?? { name: this.name };
      this.#options = { ...recorded, ...(ready.source !== undefined && { source: ready.source }) };
    }
    this.#byHand = ready.launch === undefined;
    const process = new AdoptedProcess({ identity, clock, stopTimeoutMs: times.stopTimeoutMs });
    this.#supervisor.adopt(process, ready, session);
  }

  #decide(end: SupervisedEnd): NextStep {
    const { hasRecord, removeLeftovers } = this.#dependencies;
    switch (end.kind) {
      case 'start-failed':
        return end.isRestart ? 'retry' : 'fail';
      case 'died':
        // The exit code of an adopted process is not known; an orderly end removes the record.
        if (end.adopted && !hasRecord(this.name)) {
          if (!this.#byHand) this.#lookAgain(end.cause);
          return 'rest';
        }
        if (!end.adopted && end.exit === 'exit code 0') return 'rest';
        if (!this.#byHand) return 'retry';
        // The user who started it decides; the next host server is not to start it again either.
        removeLeftovers(this.name);
        return 'fail';
      case 'predecessor-ended':
        return hasRecord(this.name) ? 'retry' : 'rest';
      case 'predecessor-late':
        return 'fail';
      case 'stopped':
        // A killed app server could not clean up, and would be taken for one that died unwatched.
        removeLeftovers(this.name);
        return 'rest';
      default:
        return end satisfies never;
    }
  }

  /**
   * The record of a killed app server may have been removed by another program, of which nothing
   * else was seen yet: a moment later it is known whether that removes files.
   */
  #lookAgain(cause: MirrorflowError): void {
    const { clock, hasRecord } = this.#dependencies;
    const look = (): void => {
      if (this.#supervisor.state === 'idle' && hasRecord(this.name)) this.#supervisor.diedBefore(cause);
    };
    clock.after(SECOND_LOOK_MS, look, true);
  }

  #changed(supervised: SupervisionState): void {
    const state = APPLICATION_STATES[supervised];
    const cause = this.#cause;
    if (state !== 'running') this.#startedAt = undefined;
    else this.#startedAt ??= new Date();
    if (state === 'running') this.#waiters.resolveAll();
    if (state === 'failed' && cause !== undefined) this.#waiters.rejectAll(cause);
    if (state === 'stopped') {
      const message = `the app server of ${this.name} has ended`;
      this.#waiters.rejectAll(new MirrorflowError('STOPPED', message));
    }
    const { state: before, cause: causeBefore } = this.#announced;
    if (supervised === 'closed' || (state === before && cause === causeBefore)) return;
    this.#announced = { state, cause };
    this.#dependencies.changed(this.name, state, cause);
  }

  #lateError(pid: number): MirrorflowError {
    const message =
      `the app server of ${this.name} (process ${pid}) runs and has not connected within ` +
      `${this.#dependencies.times.readyTimeoutMs} ms; stop the application to end it`;
    return new MirrorflowError('TIMED_OUT', message, { pid });
  }

  #checkSame(asked: ApplicationOptions): void {
    const difference = optionsDifference(this.#options, asked, this.#supervisor.ready?.port);
    if (difference === undefined) return;
    throw new MirrorflowError(
      'APPLICATION_EXISTS',
      `${this.name} is ${this.state} with other options: ${difference}; stop it first, or use another name`,
      { name: this.name },
    );
  }
}
