/**
 * The host server as a whole: one process per machine or user, started by `main.ts`. start() claims
 * the runtime directory (sockets and records of this host) by the file `host.json`, deletes files
 * of dead processes, opens the sockets that take calls and writes the token files, which admit
 * callers over HTTP. startApplications() adopts or starts app servers (one child process per
 * application), starts the web viewer, connects to other hosts and searches the network for more
 * (discovery).
 *
 * quit() closes discovery and the links to other hosts, then sockets and web viewer, and removes
 * the record. App servers stop only on request; otherwise they keep running and are adopted later.
 */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../protocol/base/clock.js';
import type { ApplicationState } from '../protocol/rpc/contract/shapes.js';
import type { MirrorflowError } from '../protocol/base/errors.js';
import { hostSocketPath, logFilePath, runtimeFolders } from '../protocol/base/paths.js';
import { packageVersion } from '../protocol/base/installation.js';
import { LIMITS } from '../protocol/base/limits.js';
import type { Logger } from '../protocol/base/log.js';
import { prepareDirectory } from '../protocol/base/files/private-directory.js';
import { Access } from '../protocol/host/access/access.js';
import { PutBack } from '../protocol/host/put-back.js';
import { claimHostRecord, type ServerRecord } from '../protocol/host/server-record.js';
import { cleanUp } from '../protocol/host/clean-up/clean-up.js';
import { removeOldLogs, type LogPlaces } from '../protocol/host/clean-up/logs.js';
import { APPLICATION_TIMES, applicationDependencies } from './app-server-launch.js';
import type { ApplicationTimes } from './applications/application-dependencies.js';
import { readApplicationRecords } from './applications/application-record.js';
import { Applications } from './applications/applications.js';
import { Endpoints } from './control/endpoints.js';
import { hostHandlers } from './calls/handlers.js';
import type { HostServerOptions } from './options.js';
import { Discovery } from './peers/discovery.js';
import { needsTls } from '../protocol/rpc/security/connecting.js';
import { isLoopback } from '../protocol/rpc/security/listening.js';
import { Network } from './calls/network.js';
import { SiteAnswers } from './calls/site-answers.js';
import { NatsProcess } from './peers/nats-process.js';
import { Peers } from './peers/peers.js';
import { Sites } from './peers/sites.js';
import type { SystemdNotifier } from './boot/sd-notify.js';
import { watchOwnSocket } from './boot/self-check.js';
import { WebProcess } from './control/web-process.js';

/** Time between two clean-ups of old logs. */
const LOG_CLEAN_UP_MS = 3_600_000;
/** Each server has put its own files back by then. */
const PUT_BACK_MS = 2_000;
/**
 * Longest wait for configured applications before systemd gets READY: two start attempts of an
 * application that hangs, with 1 s to spare.
 */
const READY_TIMEOUT_MS = 2 * LIMITS.childReadyTimeoutMs + 1_000;

export class HostServer {
  /** Resolves when all parts are closed. */
  readonly ended: Promise<void>;
  readonly #options: HostServerOptions;
  readonly #log: Logger;
  readonly #notifier: SystemdNotifier;
  readonly #record: ServerRecord;
  readonly #applications: Applications;
  readonly #endpoints: Endpoints;
  readonly #peers: Peers;
  #discovery: Discovery | undefined;
  readonly #nats: NatsProcess;
  #web: WebProcess | undefined;
  #keeper: PutBack | undefined;
  #endSelfCheck: () => void = () => undefined;
  #quitting: Promise<void> | undefined;
  #resolveEnded: () => void = () => undefined;

  /**
   * Resolves when calls are taken; no application is started yet. Rejects with ALREADY_RUNNING,
   * ADDRESS_IN_USE, NOT_PERMITTED, or another error of a directory or socket; sockets and record
   * are removed then, directories stay.
   */
  static async start(
    options: HostServerOptions,
    log: Logger,
    notifier: SystemdNotifier,
    times: Partial<ApplicationTimes> = {},
  ): Promise<HostServer> {
    prepareDirectories(options);
    const server = new HostServer(options, log, notifier, { ...APPLICATION_TIMES, ...times });
    await removeLeftovers(options, log);
    removeOldLogsHourly(options, log);
    try {
      await server.#serve();
      server.#keepFiles();
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
    this.#record = claimHostRecord(options.directory, hostSocketPath(options.directory, 'read'));
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    const dependencies = applicationDependencies(
      options,
      times,
      log,
      () => this.#keeper?.isDisturbed(PUT_BACK_MS) === true,
      (name, state, cause) => this.#applicationChanged(name, state, cause),
    );
    this.#applications = new Applications(options.applications, dependencies);
    const facts = {
      host: options.network.hostName,
      version: packageVersion(),
      directory: options.directory,
      flowDirectory: options.flowDirectory,
      startedAt: new Date(),
      port: () => this.port,
      web: () => this.#web,
    };
    const quitAfterResponse = async (withApplications: boolean): Promise<void> => {
      if (withApplications) await this.#applications.stopAll();
      // After the answer to host.quit: closing lets calls under way finish.
      setImmediate(() => void this.quit(withApplications));
    };
    this.#peers = new Peers({
      self: {
        name: options.network.hostName,
        instance: randomBytes(16).toString('hex'),
        version: packageVersion(),
      },
      security: options.security,
      session: (peerAddress) => this.#endpoints.peerSession(peerAddress),
      running: () => this.#applications.running(),
      clock: systemClock,
      log,
    });
    const { directory, flowDirectory, nats } = options;
    this.#nats = new NatsProcess({ directory, flowDirectory, nats, clock: systemClock, log });
    const sites = new Sites();
    const network = new Network({ ...facts, name: facts.host }, this.#applications, this.#peers, sites);
    this.#peers.on('changed', () => network.sendHostsToAll());
    sites.on('changed', () => network.sendHostsToAll());
    const far = { sites, process: this.#nats, answers: new SiteAnswers(this.#applications, nats) };
    this.#endpoints = new Endpoints({
      directory: options.directory,
      access: new Access(undefined, log),
      listen: options.listen,
      peers: options.network.peers.map(({ host }) => host),
      security: options.security,
      handlers: hostHandlers(this.#applications, network, this.#peers, far, facts, quitAfterResponse),
      clock: systemClock,
      log,
    });
  }

  /** Path of the Unix socket for control: readers cannot use up its connections. */
  get controlSocket(): string {
    return hostSocketPath(this.#options.directory, 'control');
  }

  /** TCP port of XML-RPC over HTTP. */
  get port(): number {
    return this.#endpoints.port;
  }

  /**
   * Adopts the app servers that an earlier host server left, starts the configured applications,
   * the web viewer, the links to other hosts and their discovery, and notifies systemd when the
   * applications run, have failed, or take too long. Resolves then.
   */
  async startApplications(): Promise<void> {
    for (const { identity, options } of readApplicationRecords(this.#options.directory, this.#log)) {
      this.#applications.adopt(identity, options);
    }
    this.#startWeb();
    this.#nats.start();
    for (const address of this.#options.network.peers) this.#peers.add(address);
    await this.#startDiscovery();
    await this.#startedOrTimeout();
    if (this.#quitting !== undefined) return;
    const summary = this.#applications.summary();
    this.#log.info('ready', { summary });
    this.#notifier.ready(summary);
    // Detects a host server that runs but answers no call; systemd restarts it then.
    this.#endSelfCheck = watchOwnSocket(this.controlSocket, this.#notifier, systemClock, this.#log);
  }

  /**
   * Ends the host server. With `withApplications` its applications are stopped first; without,
   * their app servers continue and the next host server adopts them.
   */
  quit(withApplications: boolean): Promise<void> {
    this.#quitting ??= this.#quitOnce(withApplications);
    return this.#quitting;
  }

  async #quitOnce(withApplications: boolean): Promise<void> {
    this.#log.info('ending', { applications: withApplications ? 'to be stopped' : 'keep running' });
    this.#endSelfCheck();
    this.#notifier.stopping();
    if (withApplications) await Promise.all([this.#applications.stopAll(), this.#nats.stop()]);
    this.#applications.release();
    this.#nats.release();
    await this.#close();
    this.#resolveEnded();
  }

  async #startDiscovery(): Promise<void> {
    const { network, listen, security } = this.#options;
    if (!network.discover || isLoopback(listen.host)) return;
    const discovery = await Discovery.start({
      hostName: network.hostName,
      version: packageVersion(),
      scheme: listen.scheme,
      port: this.port,
      tlsOnly: needsTls(security),
      onAddress: (address, sender) => this.#peers.discovered(address, sender),
      clock: systemClock,
      log: this.#log,
    });
    if (this.#quitting === undefined) this.#discovery = discovery;
    else await discovery?.close();
  }

  #startWeb(): void {
    const { web: args, directory, security, alarmsFrom } = this.#options;
    if (args === undefined || this.#quitting !== undefined) return;
    const { secretFile, tlsCert, tlsKey } = security.files;
    const files = {
      '--secret-file': secretFile,
      '--tls-cert': tlsCert,
      '--tls-key': tlsKey,
      '--alarms-from': alarmsFrom,
    };
    const given = Object.entries(files).flatMap(([option, path]) =>
      path === undefined ? [] : [option, path],
    );
    this.#web = new WebProcess({
      args: [...args, ...given],
      directory,
      logFile: logFilePath(directory, 'web'),
      clock: systemClock,
      log: this.#log,
    });
  }

  /** Bounded: systemd must not take the host server for stuck because an application is. */
  #startedOrTimeout(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = systemClock.after(READY_TIMEOUT_MS, resolve);
      void this.#applications.startConfigured().then(() => {
        cancel();
        resolve();
      });
    });
  }

  async #serve(): Promise<void> {
    await this.#endpoints.listen();
    this.#record.setPort(this.port);
    const { directory, listen } = this.#options;
    this.#log.info('listening', { directory, host: listen.host, port: this.port });
  }

  #keepFiles(): void {
    const { directory } = this.#options;
    this.#keeper = new PutBack(
      [directory, ...runtimeFolders(directory), this.#record.path, ...this.#endpoints.files],
      async () => {
        prepareDirectories(this.#options);
        this.#record.putBack();
        await this.#endpoints.listenOnSockets();
      },
      this.#log,
    );
  }

  async #close(): Promise<void> {
    await this.#keeper?.close();
    await this.#discovery?.close();
    await this.#peers.close();
    await Promise.all([this.#endpoints.close(), this.#web?.stop()]);
    this.#record.release();
  }

  #applicationChanged(name: string, state: ApplicationState, cause: MirrorflowError | undefined): void {
    const fields = { application: name, ...(cause !== undefined && { cause, code: cause.code }) };
    if (state === 'failed' || cause !== undefined) this.#log.warn(`application ${state}`, fields);
    else this.#log.info(`application ${state}`, fields);
    this.#notifier.status(this.#applications.summary());
    this.#peers.announce();
  }
}

/** Removes logs of flows long gone, now and then while the host server runs. */
function removeOldLogsHourly(places: LogPlaces, log: Logger): void {
  systemClock.after(
    LOG_CLEAN_UP_MS,
    () => {
      const removed = removeOldLogs(places, Date.now()).filter(({ outcome }) => outcome === 'removed');
      if (removed.length > 0) log.info('removed old logs', { files: removed.length });
      removeOldLogsHourly(places, log);
    },
    true,
  );
}

function prepareDirectories({ directory, flowDirectory }: HostServerOptions): void {
  for (const path of [directory, ...runtimeFolders(directory), flowDirectory]) prepareDirectory(path);
}

/** Never rejects: a leftover that cannot be removed must not prevent the start. */
async function removeLeftovers({ directory, flowDirectory }: HostServerOptions, log: Logger): Promise<void> {
  try {
    for (const leftover of await cleanUp({ directory, flowDirectory, hostStarts: true })) {
      const { outcome, error, ...facts } = leftover;
      if (outcome === 'failed')
        log.warn('a leftover of a dead process cannot be removed', { ...facts, error });
      else log.info('removed a leftover of a dead process', facts);
    }
  } catch (error) {
    log.warn('leftovers of dead processes cannot be listed', { error });
  }
}
