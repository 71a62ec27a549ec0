/**
 * One application: whether its app server is to run, and what became of that.
 *
 * | state    | event                                             | next |
 * | -------- | ------------------------------------------------- | ---- |
 * | stopped, failed | run                                        | starting |
 * | stopped, failed | an app server that was started elsewhere subscribes | running |
 * | starting | its app server says that it is ready              | running |
 * | starting | a start that was asked for fails                  | failed, with the cause |
 * | starting | a restart fails                                   | starting after a delay, or failed after too many |
 * | running  | its app server ends with 0                        | stopped |
 * | running  | its app server dies                               | starting after a delay, or failed after too many |
 * | starting, running, failed | stop                             | stopping, then stopped |
 */
import type {
  ApplicationInfo,
  ApplicationOptions,
  ApplicationState,
} from '../../protocol/rpc/contract/shapes.js';
import { describeError, MirrorflowError } from '../../protocol/base/errors.js';
import type { AppServerReady } from '../../protocol/rpc/contract/shapes.js';
import { identityFromWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import type { OwnerIdentity } from '../../protocol/base/owner-identity.js';
import { Child } from '../../protocol/host/process-kit/child.js';
import { RestartPolicy } from '../../protocol/host/process-kit/restart-policy.js';
import { AdoptedAppServer, OwnAppServer, type AppServerEnd } from './app-server-process.js';
import type { ApplicationDependencies } from './application-dependencies.js';
import { optionsDifference } from './application-options.js';
import { Deferred } from '../control/deferred.js';
import type { HostSession } from '../control/host-context.js';

export class Application {
  readonly name: string;
  readonly configured: boolean;
  readonly #around: ApplicationDependencies;
  readonly #policy: RestartPolicy;
  #options: ApplicationOptions;
  #state: ApplicationState = 'stopped';
  #cause: MirrorflowError | undefined;
  #server: OwnAppServer | AdoptedAppServer | undefined;
  #ready: AppServerReady | undefined;
  #startedAt: Date | undefined;
  #restarts = 0;
  /** Whether the start under way repairs a death, so that a failure of it is one more. */
  #restarting = false;
  #byHand = false;
  /** Settled when the state leaves `starting`. */
  #start = new Deferred();
  #stop: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #released = false;

  constructor(options: ApplicationOptions, configured: boolean, around: ApplicationDependencies) {
    this.name = options.name;
    this.#options = options;
    this.configured = configured;
    this.#around = around;
    this.#policy = new RestartPolicy(around.times.restart);
  }

  get state(): ApplicationState {
    return this.#state;
  }

  get options(): ApplicationOptions {
    return this.#options;
  }

  /** Token of the start under way or of the child that runs. */
  get launch(): string | undefined {
    return this.#server instanceof OwnAppServer ? this.#server.child.launch : undefined;
  }

  /** The life line of its app server, while it runs. */
  get server(): HostSession | undefined {
    return this.#state === 'running' ? this.#server?.session : undefined;
  }

  info(): ApplicationInfo {
    const { socket, port } = this.#ready ?? {};
    const source = this.#ready?.source ?? this.#options.source;
    const pid = this.#server?.pid;
    return {
      name: this.name,
      state: this.#state,
      restarts: this.#restarts,
      configured: this.configured,
      byHand: this.#byHand,
      ...(source !== undefined && { source }),
      ...(this.#options.via !== undefined && { via: this.#options.via }),
      ...(pid !== undefined && { pid }),
      ...(port !== undefined && { port }),
      ...(socket !== undefined && { socket }),
      ...(this.#startedAt !== undefined && { startedAt: this.#startedAt }),
      ...(this.#cause !== undefined && { cause: this.#cause.message.slice(0, 4096) }),
    };
  }

  /**
   * Resolves when the app server is ready: at once when it is. `asked` are the options that
   * somebody stated, `complete` those to start with. Rejects with the cause of a start that failed,
   * or APPLICATION_EXISTS when it runs with others than asked.
   */
  async run(asked: ApplicationOptions, complete: ApplicationOptions): Promise<ApplicationInfo> {
    for (;;) {
      switch (this.#state) {
        case 'stopping':
          await this.#stop;
          continue;
        case 'running':
          this.#refuseOthers(asked);
          return this.info();
        case 'starting':
          this.#refuseOthers(asked);
          await this.#start.promise;
          continue;
        case 'stopped':
        case 'failed':
          if (this.#server !== undefined) {
            await this.#awaitLeaving(this.#server);
            continue;
          }
          this.#begin(complete);
          await this.#start.promise;
          return this.info();
        default:
          return this.#state satisfies never;
      }
    }
  }

  /** Ends the app server and all it has started. Any number of calls make one stop. */
  stop(): Promise<void> {
    this.#stop ??= this.#stopOnce().finally(() => {
      this.#stop = undefined;
    });
    return this.#stop;
  }

  /** A living app server of an earlier host server: it connects by itself. */
  expect(identity: OwnerIdentity, options: ApplicationOptions): void {
    this.#options = options;
    this.#become('starting');
    this.#watch(this.#adopt(identity));
    this.#cancelTimer = this.#around.clock.after(this.#around.times.readyTimeoutMs, () => {
      this.#fail(
        new MirrorflowError(
          'TIMED_OUT',
          `the app server of ${this.name} (process ${identity.pid}) runs and has not connected within ` +
            `${this.#around.times.readyTimeoutMs} ms; stop the application to end it`,
          { pid: identity.pid },
        ),
      );
    });
  }

  /** Its app server died while no host server was there to see it: the same as a death now. */
  resume(): void {
    this.#died(new MirrorflowError('CHILD_DIED', `the app server of ${this.name} died unwatched`));
  }

  /**
   * Its app server has connected: true when it is not this host server's own child. Throws
   * APPLICATION_EXISTS when another one serves the application, STOPPED when it is being stopped.
   */
  subscribe(ready: AppServerReady, session: HostSession): boolean {
    const identity = identityFromWire(ready.identity);
    if (this.#state === 'stopping') {
      throw new MirrorflowError('STOPPED', `${this.name} is being stopped`);
    }
    const server = this.#server ?? this.#takeStranger(ready, identity);
    if (!server.is(identity, ready.launch)) {
      throw new MirrorflowError(
        'APPLICATION_EXISTS',
        `${this.name} has an app server already, process ${server.pid}; stop it first, or use another name`,
        { name: this.name, pid: server.pid ?? 0 },
      );
    }
    const own = server instanceof OwnAppServer;
    // A child that could not start is ending; it comes too late.
    if (own && this.#state === 'failed') throw this.#cause;
    server.attach(session);
    this.#ready = ready;
    if (own) server.child.reportReady(ready);
    else this.#byHand = ready.launch === undefined;
    if (this.#state !== 'running') this.#becomeRunning();
    return !own;
  }

  /** Its child's own word on why it cannot become ready. */
  childFailed(failure: MirrorflowError): void {
    if (!(this.#server instanceof OwnAppServer)) return;
    this.#server.child.failed(failure.code, failure.message, failure.facts);
  }

  /** Neither watches nor restarts any more: the app server goes on without this host server. */
  release(): void {
    this.#released = true;
    this.#cancelTimer?.();
    this.#server?.release();
    this.#start.reject(new MirrorflowError('STOPPED', 'the host server ends'));
  }

  #begin(options: ApplicationOptions): void {
    this.#options = options;
    this.#policy.reset();
    this.#restarts = 0;
    this.#restarting = false;
    this.#byHand = false;
    this.#become('starting');
    this.#launch();
  }

  #launch(): void {
    const { clock, times } = this.#around;
    let child: Child<AppServerReady>;
    try {
      child = new Child<AppServerReady>(this.#around.childSpec(this.#options));
    } catch (thrown) {
      const message = `the app server of ${this.name} could not be started: ${describeError(thrown)}`;
      this.#startFailed(new MirrorflowError('START_FAILED', message, {}, thrown));
      if (this.#state === 'starting') this.#died(this.#cause as MirrorflowError);
      return;
    }
    const server = new OwnAppServer(child, clock, times);
    child.ready.catch((cause: MirrorflowError) => {
      if (this.#server === server && this.#state === 'starting') this.#startFailed(cause);
    });
    this.#watch(server);
  }

  #watch(server: OwnAppServer | AdoptedAppServer): void {
    this.#server = server;
    void server.ended.then((end) => {
      if (this.#server !== server) return;
      this.#server = undefined;
      this.#ready = undefined;
      this.#startedAt = undefined;
      this.#ended(server, end);
    });
  }

  #adopt(identity: OwnerIdentity): AdoptedAppServer {
    const { clock, times } = this.#around;
    return new AdoptedAppServer(identity, clock, times, () => this.#around.hasRecord(this.name));
  }

  #takeStranger(ready: AppServerReady, identity: OwnerIdentity): AdoptedAppServer {
    const recorded = this.#around.recordedOptions(this.name) ?? { name: this.name };
    this.#options = { ...recorded, ...(ready.source !== undefined && { source: ready.source }) };
    const server = this.#adopt(identity);
    this.#watch(server);
    return server;
  }

  #becomeRunning(): void {
    this.#cancelTimer?.();
    this.#startedAt = new Date();
    this.#restarting = false;
    this.#become('running');
    this.#start.resolve();
  }

  /** The process may still be ending; a run that follows awaits that. */
  #startFailed(cause: MirrorflowError): void {
    if (this.#restarting) this.#cause = cause;
    else this.#fail(cause);
  }

  #ended(server: OwnAppServer | AdoptedAppServer, { orderly, exit }: AppServerEnd): void {
    if (this.#released || (this.#state !== 'starting' && this.#state !== 'running')) return;
    this.#cancelTimer?.();
    const message = `the app server of ${this.name} (process ${server.pid ?? 0}) died: ${exit}`;
    const died = new MirrorflowError('CHILD_DIED', message, { exit });
    if (orderly) {
      this.#become('stopped');
      this.#start.reject(new MirrorflowError('STOPPED', `the app server of ${this.name} has ended`));
    } else if (this.#byHand) {
      // Whoever started it decides; the next host server is not to start it again either.
      this.#around.removeLeftovers(this.name);
      this.#fail(died);
    } else this.#died(this.#state === 'starting' ? (this.#cause ?? died) : died);
  }

  #died(cause: MirrorflowError): void {
    const decision = this.#policy.died(this.#around.clock.nowMs());
    if (decision.kind === 'give-up') {
      const message = `${cause.message}; given up after ${decision.deaths} deaths in a short time`;
      this.#fail(new MirrorflowError(cause.code, message, { deaths: decision.deaths }, cause));
      return;
    }
    this.#restarts += 1;
    this.#restarting = true;
    this.#become('starting', cause);
    this.#cancelTimer = this.#around.clock.after(decision.delayMs, () => this.#launch());
  }

  #fail(cause: MirrorflowError): void {
    this.#become('failed', cause);
    this.#start.reject(cause);
  }

  /** A start that failed is still ending, or a process that does not answer is in the way. */
  async #awaitLeaving(server: OwnAppServer | AdoptedAppServer): Promise<void> {
    if (server instanceof AdoptedAppServer) throw this.#cause;
    await server.ended;
  }

  async #stopOnce(): Promise<void> {
    const server = this.#server;
    const idle = this.#state === 'stopped' && server === undefined;
    this.#cancelTimer?.();
    if (!idle) this.#become('stopping');
    this.#start.reject(new MirrorflowError('STOPPED', `${this.name} was stopped before it was ready`));
    await server?.end();
    this.#server = undefined;
    this.#ready = undefined;
    this.#startedAt = undefined;
    this.#restarting = false;
    // Who was killed could not clean up, and would be taken for one that died unwatched.
    this.#around.removeLeftovers(this.name);
    if (!idle) this.#become('stopped');
  }

  #refuseOthers(asked: ApplicationOptions): void {
    const difference = optionsDifference(this.#options, asked, this.#ready?.port);
    if (difference === undefined) return;
    throw new MirrorflowError(
      'APPLICATION_EXISTS',
      `${this.name} is ${this.#state} with other options: ${difference}; stop it first, or use another name`,
      { name: this.name },
    );
  }

  #become(state: ApplicationState, cause?: MirrorflowError): void {
    this.#state = state;
    this.#cause = cause;
    if (state === 'starting' && this.#start.settled) this.#start = new Deferred();
    if (!this.#released) this.#around.changed(this.name, state, cause);
  }
}
