/**
 * The applications of a host server by name: configured, found by their records, run on request, or
 * started by hand. The handlers of host.* call it. Touches processes and files through its
 * applications.
 */
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import type { AppServerReady } from '../../protocol/rpc/contract/shapes.js';
import type {
  ApplicationInfo,
  ApplicationOptions,
  StartFailure,
} from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { errorOfStartFailure } from '../../protocol/host/process-kit/start-report.js';
import { identityFromWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import { isAlive, ownIdentity, type OwnerIdentity } from '../../protocol/base/owner-identity.js';
import type { Caller } from '../../protocol/rpc/xml-rpc/contract.js';
import { Application } from './application.js';
import type { ApplicationDependencies } from './application-dependencies.js';
import { changedSettings, checkSettings, completeOptions } from './application-options.js';
import { identifySource, isSameSource } from './source-identity.js';
import type { HostSession } from '../control/call-origin.js';

/** Applications of one host server; beyond, stopped ones without configuration are forgotten. */
const APPLICATIONS_MAX = 1024;

export class Applications {
  readonly #dependencies: ApplicationDependencies;
  readonly #configured: ReadonlyMap<string, ApplicationOptions>;
  readonly #applications = new Map<string, Application>();
  #ending = false;
  /** The check of sources that is under way. */
  #sourceChecks: Promise<void> = Promise.resolve();

  constructor(configured: readonly ApplicationOptions[], dependencies: ApplicationDependencies) {
    this.#dependencies = dependencies;
    this.#configured = new Map(configured.map((options) => [options.name, options]));
    for (const options of configured) {
      this.#applications.set(options.name, new Application(options, true, dependencies));
    }
  }

  list(): ApplicationInfo[] {
    return [...this.#applications.values()]
      .map((application) => application.info())
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Names of those that run. */
  running(): string[] {
    return [...this.#applications.values()]
      .filter(({ state }) => state === 'running')
      .map(({ name }) => name);
  }

  /** The app server of an application that runs; undefined when none is connected. */
  callerOf(name: string): Caller | undefined {
    return this.#applications.get(name)?.server;
  }

  /** The application whose app server has this permanent connection. */
  ofSession(session: Caller): string | undefined {
    return [...this.#applications.values()].find(({ server }) => server === session)?.name;
  }

  /** One line for users: `3 applications: 2 running, 1 failed`. */
  summary(): string {
    const counts = new Map<string, number>();
    for (const { state } of this.#applications.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
    const size = this.#applications.size;
    const states = [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
    return `${size === 0 ? 'no' : size} application${size === 1 ? '' : 's'}${states === '' ? '' : `: ${states}`}`;
  }

  /**
   * Continues with an application of an earlier host server: a living app server connects by
   * itself, one that died since this boot is restarted, one from before a reboot is forgotten.
   */
  adopt(identity: OwnerIdentity, options: ApplicationOptions): void {
    const ofThisBoot = (identity.bootId ?? '') === (ownIdentity().bootId ?? '');
    if (isAlive(identity)) {
      this.#reportChanges(options);
      this.#obtain(options).expect(options);
    } else if (ofThisBoot) this.#obtain(options).resume();
    else this.#dependencies.removeLeftovers(options.name);
  }

  /** Of an app server that runs: its configuration may have been changed since its start. */
  #reportChanges(options: ApplicationOptions): void {
    const configured = this.#configured.get(options.name);
    const changed = configured === undefined ? [] : changedSettings(options, configured);
    if (changed.length > 0) this.#dependencies.notAsConfigured(options.name, changed);
  }

  /** Starts the configured applications. Resolves when each of them runs or has failed. */
  async startConfigured(): Promise<void> {
    const starts = [...this.#configured.values()].map((options) => this.run({ name: options.name }));
    await Promise.allSettled(starts);
  }

  /** See host.run. */
  async run(asked: ApplicationOptions): Promise<ApplicationInfo> {
    this.#refuseWhenEnding();
    checkSettings(asked);
    const application = this.#applications.get(asked.name);
    const complete = completeOptions(asked, this.#configured.get(asked.name), application?.options);
    return this.#withOwnSource(complete, () => (application ?? this.#obtain(asked)).run(asked, complete));
  }

  /** See host.open. Throws NOT_PERMITTED for an application that is not configured. */
  async open(name: string): Promise<ApplicationInfo> {
    if (this.#configured.has(name)) return this.run({ name });
    const known = this.#applications.get(name);
    if (known?.state === 'running') return known.info();
    throw new MirrorflowError(
      'NOT_PERMITTED',
      `${name} is not in the configuration file of this host server, so that starting it needs the right control`,
      { name, needed: 'control', granted: 'read' },
    );
  }

  /** See host.restart. */
  async restart(changes: ApplicationOptions): Promise<ApplicationInfo> {
    this.#refuseWhenEnding();
    checkSettings(changes);
    const application = this.#applications.get(changes.name);
    if (application === undefined) return this.run(changes);
    const complete = { ...application.options, ...changes };
    return this.#withOwnSource(complete, async () => {
      await application.stop();
      return application.run(complete, complete);
    });
  }

  /** See host.stop. Throws UNKNOWN_APPLICATION. */
  async stop(name: string): Promise<ApplicationInfo> {
    const application = this.#applications.get(name);
    if (application === undefined) {
      const names = [...this.#applications.keys()].toSorted();
      const namesText = names.length === 0 ? 'none are known' : `known are ${names.slice(0, 32).join(', ')}`;
      throw new MirrorflowError('UNKNOWN_APPLICATION', `there is no application ${name} here; ${namesText}`, {
        name,
      });
    }
    await application.stop();
    return application.info();
  }

  /** See host.subscribe: true when the app server is not this host server's own child. */
  subscribe(ready: AppServerReady, session: HostSession): boolean {
    this.#refuseWhenEnding();
    if (ready.version !== PROTOCOL_VERSION) {
      const refusal = new MirrorflowError(
        'VERSION_MISMATCH',
        `the app server of ${ready.name} speaks version ${ready.version}, this host server ${PROTOCOL_VERSION}; run the same release`,
        { theirs: ready.version, ours: PROTOCOL_VERSION },
      );
      if (ready.launch !== undefined) this.#childFailed(ready.launch, refusal);
      throw refusal;
    }
    if (!isAlive(identityFromWire(ready.identity))) {
      const { pid } = ready.identity;
      throw new MirrorflowError('REFUSED', `no process ${pid} with that start time runs here`, { pid });
    }
    return this.#obtain({ name: ready.name }).subscribe(ready, session);
  }

  /** See child.failed. A failure without a start under way is dropped. */
  childFailed(failure: StartFailure): void {
    this.#childFailed(failure.launch, errorOfStartFailure(failure));
  }

  /** Stops all of them, and accepts no new ones. */
  async stopAll(): Promise<void> {
    this.#ending = true;
    await Promise.all([...this.#applications.values()].map((application) => application.stop()));
  }

  /** Ends the supervision of all: they continue without this host server. */
  release(): void {
    this.#ending = true;
    for (const application of this.#applications.values()) application.release();
  }

  /**
   * Starts an application unless another one that runs has the same source. Rejects with REFUSED
   * naming that one.
   */
  async #withOwnSource<T>({ name, source }: ApplicationOptions, start: () => Promise<T>): Promise<T> {
    if (source === undefined) return start();
    let starting: Promise<T> | undefined;
    // One after the other: the next check sees the application that this one has started.
    const turn = this.#sourceChecks.then(async () => {
      const own = await identifySource(source);
      const others = await Promise.all(
        [...this.#applications.values()].map(async (application) => {
          const { source: text } = application.options;
          return { application, identity: text === undefined ? undefined : await identifySource(text) };
        }),
      );
      const sharing = others.find(
        ({ application, identity }) =>
          application.name !== name &&
          isActive(application) &&
          identity !== undefined &&
          isSameSource(own, identity),
      );
      if (sharing !== undefined) throw sourceInUse(name, source, sharing.application);
      starting = start();
      starting.catch(() => undefined); // the wait below reports it
    });
    this.#sourceChecks = turn.catch(() => undefined);
    await turn;
    return starting as unknown as Promise<T>;
  }

  #childFailed(launch: string, cause: MirrorflowError): void {
    [...this.#applications.values()].some((application) => application.childFailed(launch, cause));
  }

  #obtain(options: ApplicationOptions): Application {
    const existing = this.#applications.get(options.name);
    if (existing !== undefined) return existing;
    if (this.#applications.size >= APPLICATIONS_MAX) this.#forgetOne();
    const application = new Application(options, false, this.#dependencies);
    this.#applications.set(options.name, application);
    return application;
  }

  #forgetOne(): void {
    for (const { name, state, configured } of this.#applications.values()) {
      if (configured || (state !== 'stopped' && state !== 'failed')) continue;
      this.#applications.delete(name);
      return;
    }
    throw new MirrorflowError(
      'LIMIT_REACHED',
      `this host server has ${APPLICATIONS_MAX} applications already`,
    );
  }

  #refuseWhenEnding(): void {
    if (this.#ending)
      throw new MirrorflowError('STOPPED', 'the host server is ending and starts no application');
  }
}

function isActive({ state }: Application): boolean {
  return state === 'starting' || state === 'running';
}

function sourceInUse(name: string, source: string, { name: other, options }: Application): MirrorflowError {
  const as = options.source === source ? '' : ` as ${options.source ?? ''}`;
  return new MirrorflowError(
    'REFUSED',
    `application ${name} is not started: application ${other} mirrors its source ${source} already${as}; ` +
      `use ${other}, or stop it first`,
    { application: other, source },
  );
}
