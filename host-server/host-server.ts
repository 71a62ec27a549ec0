/**
 * The host server put together: directories, record, applications, the two ways to call it,
 * systemd.
 */
import { randomBytes } from 'node:crypto';
import { formatAddress } from '../protocol/base/address.js';
import { formatPortRange } from '../protocol/base/port-range.js';
import { systemClock } from '../protocol/base/clock.js';
import { CONTRACT, type MirrorflowContract } from '../protocol/rpc/contract/methods.js';
import type { ApplicationState } from '../protocol/rpc/contract/shapes.js';
import type { MirrorflowError } from '../protocol/base/errors.js';
import { hostSocketPath, logFilePath, runtimeFolders } from '../protocol/base/paths.js';
import { packageVersion, programPath } from '../protocol/base/installation.js';
import { LIMITS } from '../protocol/base/limits.js';
import type { Logger } from '../protocol/base/log.js';
import { prepareDirectory } from '../protocol/base/files/private-directory.js';
import { ensureToken, readToken } from '../protocol/rpc/security/token-file.js';
import { isAlive } from '../protocol/base/owner-identity.js';
import { stopForeign } from '../protocol/host/process-kit/foreign-process.js';
import { CHILD_RESTART_LIMITS } from '../protocol/host/process-kit/restart-policy.js';
import { Dispatcher } from '../protocol/rpc/xml-rpc/dispatcher.js';
import type { CallDispatcher } from '../protocol/rpc/xml-rpc/dispatcher.js';
import type { SessionOptions } from '../protocol/rpc/xml-rpc/session.js';
import { SessionServer } from '../protocol/rpc/xml-rpc/session-server.js';
import type { ApplicationDependencies, ApplicationTimes } from './applications/application-dependencies.js';
import { appServerArguments } from '../protocol/rpc/contract/app-server-options.js';
import {
  hasApplicationRecord,
  readApplicationRecord,
  readApplicationRecords,
  removeApplicationLeftovers,
} from './applications/application-record.js';
import { Applications } from './applications/applications.js';
import { removeLeftovers } from './boot/clean-up.js';
import { ControlPort } from './control/control-port.js';
import { authorizeHost, hostHandlers } from './control/handlers.js';
import type { HostContext } from './control/host-context.js';
import { HostRecord } from './control/host-record.js';
import type { HostServerOptions } from './options.js';
import { Discovery } from './peers/discovery.js';
import { isLoopback } from '../protocol/rpc/security/listening.js';
import { Network } from './peers/network.js';
import { Peers } from './peers/peers.js';
import type { SystemdNotifier } from './boot/sd-notify.js';
import { watchOwnSocket } from './boot/self-check.js';
import { WebProcess } from './control/web-process.js';

const APPLICATION_TIMES: ApplicationTimes = {
  readyTimeoutMs: LIMITS.childReadyTimeoutMs,
  // An app server gives its duplicators LIMITS.childStopTimeoutMs, and needs a little itself.
  quitTimeoutMs: LIMITS.childStopTimeoutMs + 1_000,
  stopTimeoutMs: LIMITS.appServerStopTimeoutMs,
  restart: CHILD_RESTART_LIMITS,
};

/**
 * Longest time that applications keep the host server from calling itself ready: two tries of one
 * that hangs.
 */
const READY_AFTER_MS = 2 * LIMITS.childReadyTimeoutMs + 1_000;

export class HostServer {
  /** Resolves when everything is closed, however that was asked for. */
  readonly ended: Promise<void>;
  readonly #options: HostServerOptions;
  readonly #log: Logger;
  readonly #notifier: SystemdNotifier;
  readonly #record: HostRecord;
  readonly #applications: Applications;
  readonly #sessions: SessionServer<HostContext>;
  readonly #control: ControlPort;
  readonly #peers: Peers;
  readonly #network: Network;
  #discovery: Discovery | undefined;
  #port = 0;
  #web: WebProcess | undefined;
  #endWatch: () => void = () => undefined;
  #quitting: Promise<void> | undefined;
  #resolveEnded: () => void = () => undefined;

  /**
   * Resolves when it is served; what is configured may still be starting then. Throws
   * ALREADY_RUNNING, ADDRESS_IN_USE, NOT_PERMITTED and what else keeps it from its directories and
   * sockets; nothing is left behind then.
   */
  static async start(
    options: HostServerOptions,
    log: Logger,
    notifier: SystemdNotifier,
    times: Partial<ApplicationTimes> = {},
  ): Promise<HostServer> {
    prepareDirectory(options.directory);
    for (const folder of runtimeFolders(options.directory)) prepareDirectory(folder);
    prepareDirectory(options.flowDirectory);
    const server = new HostServer(options, log, notifier, { ...APPLICATION_TIMES, ...times });
    await removeLeftovers(options, log);
    try {
      await server.#serve();
      ensureToken(options.directory);
    } catch (error) {
      await server.#close();
      throw error;
    }
    return server;
  }

  private constructor(
    options: HostServerOptions,
    log: Logger,
    notifier: SystemdNotifier,
    times: ApplicationTimes,
  ) {
    this.#options = options;
    this.#log = log;
    this.#notifier = notifier;
    this.#record = new HostRecord(options.directory, this.socket);
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#applications = new Applications(options.applications, this.#surroundings(times));
    const facts = {
      host: options.hostName,
      version: packageVersion(),
      directory: options.directory,
      flowDirectory: options.flowDirectory,
      startedAt: new Date(),
      port: () => this.#port,
      web: () => this.#web,
    };
    const quit = async (everything: boolean): Promise<void> => {
      if (everything) await this.#applications.stopAll();
      // Behind the answer, which closing lets through.
      setImmediate(() => void this.quit(everything));
    };
    this.#peers = this.#makePeers(() => dispatcher);
    this.#network = new Network({ ...facts, name: options.hostName }, this.#applications, this.#peers);
    this.#peers.on('changed', () => this.#network.tellApplications());
    const served = { applications: this.#applications, network: this.#network, peers: this.#peers };
    const handlers = hostHandlers(served, facts, quit);
    const dispatcher = new Dispatcher<MirrorflowContract, HostContext>(CONTRACT, handlers, {
      log,
      authorize: authorizeHost,
    });
    this.#sessions = new SessionServer({ dispatcher, context: (session) => ({ session }), log });
    this.#control = new ControlPort({
      listen: options.listen,
      security: options.security,
      token: () => readToken(options.directory),
      dispatcher,
      session: (peerAddress) => this.#sessionOptions(dispatcher, peerAddress),
      clock: systemClock,
      log,
    });
  }

  /** Path of the socket for permanent connections. */
  get socket(): string {
    return hostSocketPath(this.#options.directory);
  }

  /** TCP port of XML-RPC over HTTP. */
  get port(): number {
    return this.#port;
  }

  /**
   * Takes up what was left running, starts what is configured, and tells systemd when that is done,
   * has failed, or takes too long. Resolves then.
   */
  async startApplications(): Promise<void> {
    for (const { identity, options } of readApplicationRecords(this.#options.directory, this.#log)) {
      this.#applications.remember(identity, options);
    }
    this.#startWeb();
    for (const address of this.#options.peers) this.#peers.add(address);
    await this.#startDiscovery();
    await this.#startedOrLate();
    if (this.#quitting !== undefined) return;
    const summary = this.#applications.summary();
    this.#log.info('ready', { summary });
    this.#notifier.ready(summary);
    this.#endWatch = watchOwnSocket(this.socket, this.#notifier, systemClock, this.#log);
  }

  /**
   * Ends it. With `everything` its applications are stopped first; without, they go on for the next
   * host server.
   */
  quit(everything: boolean): Promise<void> {
    this.#quitting ??= this.#quitOnce(everything);
    return this.#quitting;
  }

  async #quitOnce(everything: boolean): Promise<void> {
    this.#log.info('ending', { applications: everything ? 'stopped' : 'left running' });
    this.#endWatch();
    this.#notifier.stopping();
    if (everything) await this.#applications.stopAll();
    this.#applications.release();
    await this.#close();
    this.#resolveEnded();
  }

  async #startDiscovery(): Promise<void> {
    const { discover, hostName, listen } = this.#options;
    if (!discover || isLoopback(listen.host)) return;
    const discovery = await Discovery.start({
      hostName,
      version: packageVersion(),
      scheme: listen.scheme,
      port: this.#port,
      found: (address) => this.#peers.add(address),
      log: this.#log,
    });
    if (this.#quitting === undefined) this.#discovery = discovery;
    else await discovery?.close();
  }

  #startWeb(): void {
    const { web: args, directory, security } = this.#options;
    if (args === undefined || this.#quitting !== undefined) return;
    const { secretFile } = security.files;
    this.#web = new WebProcess({
      args: [...args, ...(secretFile === undefined ? [] : ['--secret-file', secretFile])],
      directory,
      logFile: logFilePath(directory, 'web'),
      clock: systemClock,
      log: this.#log,
    });
  }

  /**
   * Never late for systemd, which would take this process for stuck because one of its applications
   * is.
   */
  #startedOrLate(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = systemClock.after(READY_AFTER_MS, resolve);
      void this.#applications.startConfigured().then(() => {
        cancel();
        resolve();
      });
    });
  }

  async #serve(): Promise<void> {
    const { host } = this.#options.listen;
    this.#port = await this.#control.listen();
    await this.#sessions.listen({ path: this.socket });
    this.#record.listensOn(this.#port);
    this.#log.info('listening', { directory: this.#options.directory, host, port: this.#port });
  }

  async #close(): Promise<void> {
    await this.#discovery?.close();
    await this.#peers.close();
    await Promise.all([this.#sessions.close(), this.#control.close(), this.#web?.stop()]);
    this.#record.release();
  }

  #sessionOptions(dispatcher: CallDispatcher<HostContext>, peerAddress: string): SessionOptions<HostContext> {
    return { dispatcher, context: (session) => ({ session, peerAddress }), log: this.#log };
  }

  #makePeers(dispatcher: () => CallDispatcher<HostContext>): Peers {
    const { hostName, security } = this.#options;
    const instance = randomBytes(16).toString('hex');
    return new Peers({
      self: { name: hostName, instance, version: packageVersion() },
      security,
      session: (peerAddress) => this.#sessionOptions(dispatcher(), peerAddress),
      running: () => this.#applications.running(),
      clock: systemClock,
      log: this.#log,
    });
  }

  #surroundings(times: ApplicationTimes): ApplicationDependencies {
    const { directory, flowDirectory, appServer, security } = this.#options;
    return {
      clock: systemClock,
      times,
      childSpec: (options) => ({
        title: `app server ${options.name}`,
        script: appServer ?? programPath('app-server'),
        args: appServerArguments(options, {
          ...security.files,
          ...dataOptions(this.#options),
          directory,
          flowDirectory,
        }),
        logFile: logFilePath(directory, 'app-server', options.name),
        readyTimeoutMs: times.readyTimeoutMs,
        stopTimeoutMs: times.stopTimeoutMs,
        clock: systemClock,
      }),
      runningServer: (name) => {
        const server = readApplicationRecord(directory, name)?.identity;
        return server !== undefined && isAlive(server) ? server.pid : undefined;
      },
      stopServer: async (name) => {
        const server = readApplicationRecord(directory, name)?.identity;
        if (server !== undefined) await stopForeign(server, systemClock, times.stopTimeoutMs);
      },
      hasRecord: (name) => hasApplicationRecord(directory, name),
      recordedOptions: (name) => readApplicationRecord(directory, name)?.options,
      removeLeftovers: (name) => removeApplicationLeftovers(directory, name),
      changed: (name, state, cause) => this.#changed(name, state, cause),
    };
  }

  #changed(name: string, state: ApplicationState, cause: MirrorflowError | undefined): void {
    const fields = { application: name, ...(cause !== undefined && { cause, code: cause.code }) };
    if (state === 'failed' || cause !== undefined) this.#log.warn(`application ${state}`, fields);
    else this.#log.info(`application ${state}`, fields);
    this.#notifier.status(this.#applications.summary());
    this.#peers.announce();
  }
}

/** Where app servers have data served for other hosts: as the host server itself is reached. */
function dataOptions({ listen, dataPorts }: HostServerOptions) {
  return {
    dataListen: formatAddress({ scheme: listen.scheme, host: listen.host, port: 0 }),
    dataPorts: dataPorts === undefined ? undefined : formatPortRange(dataPorts),
  };
}
