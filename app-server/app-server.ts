/**
 * The app server put together: the claim on the application's name, clients, flows, the servers
 * that take calls and the connection to the host server. It owns all of them and closes them in the
 * reverse order.
 */
import assert from 'node:assert/strict';
import { Access } from '../protocol/host/access/access.js';
import type { Clock } from '../protocol/base/clock.js';
import { CONTRACT } from '../protocol/rpc/contract/methods.js';
import { identityToWire } from '../protocol/rpc/contract/identity-on-wire.js';
import { PROTOCOL_VERSION } from '../protocol/base/version.js';
import type { AppServerReady } from '../protocol/rpc/contract/shapes.js';
import { appFlowDirectory, appSocketPath, runtimeFolders } from '../protocol/base/paths.js';
import { isMirrorflowError, MirrorflowError } from '../protocol/base/errors.js';
import { packageVersion, programPath } from '../protocol/base/installation.js';
import { LIMITS } from '../protocol/base/limits.js';
import type { Logger } from '../protocol/base/log.js';
import { ownIdentity } from '../protocol/base/owner-identity.js';
import { prepareDirectory } from '../protocol/base/files/private-directory.js';
import { ensureToken, readToken } from '../protocol/rpc/security/token-file.js';
import { Dispatcher } from '../protocol/rpc/xml-rpc/dispatcher.js';
import { HttpAuthentication } from '../protocol/rpc/xml-rpc/http-authentication.js';
import { HttpRpcServer } from '../protocol/rpc/xml-rpc/http-server.js';
import { SessionServer } from '../protocol/rpc/xml-rpc/session-server.js';
import { Clients } from './clients/clients.js';
import { StatisticsCollector } from './statistics.js';
import { Deliveries } from './clients/deliveries.js';
import { FlowControl } from './clients/flow-control.js';
import { Flows } from './flows/flows.js';
import { GatewayProcess } from './children/gateway-process.js';
import { authorizeOrigin, handlersOf, type CallOrigin } from './handlers.js';
import { HostLink } from './remote/host-link.js';
import { Leftovers } from './children/leftovers.js';
import type { AppServerOptions } from './options.js';
import { Programs } from './children/programs.js';
import { RemoteFlows } from './remote/remote-flows.js';
import { RemoteHosts, type Relay } from './remote/remote-hosts.js';
import { ApplicationRecord } from './application-record.js';

const LOOPBACK = '127.0.0.1';

/** How long calls that still run may take at the end, when the duplicators have been stopped. */
const CLOSE_GRACE_MS = 500;

/** How long a killed predecessor may still hold its socket, and how often that is tried. */
const PREDECESSOR_ENDS_WITHIN_MS = 1_000;
const PREDECESSOR_LOOK_MS = 20;

/** How long close() takes at most: less than the host server waits. */
export const CLOSE_TIMEOUT_MS = LIMITS.appServerStopTimeoutMs * 0.9;
assert(LIMITS.childStopTimeoutMs + 2 * CLOSE_GRACE_MS < CLOSE_TIMEOUT_MS);

export interface AppServerSetup {
  readonly options: AppServerOptions;
  readonly clock: Clock;
  readonly log: Logger;
  /** The token of the host server that started it. */
  readonly launch: string | undefined;
  /** Runs when a caller asks the server to end; whoever runs it then calls close(). */
  readonly onQuit: () => void;
  /** Default: that of this installation. */
  readonly duplicatorScript?: string;
}

export class AppServer {
  readonly #setup: AppServerSetup;
  readonly #startedAt = new Date();
  readonly #socket: string;
  readonly #access: Access;
  readonly #record: ApplicationRecord;
  readonly #clients: Clients;
  readonly #flows: Flows;
  readonly #gateway: GatewayProcess;
  readonly #flowControl: FlowControl;
  readonly #remoteFlows: RemoteFlows;
  readonly #dispatcher: Dispatcher<typeof CONTRACT, CallOrigin>;
  readonly #sessions: SessionServer<CallOrigin>;
  readonly #http: HttpRpcServer<CallOrigin>;
  #hostLink: HostLink | undefined;
  #leftovers: Leftovers | undefined;
  #port = 0;
  #closing: Promise<void> | undefined;

  /**
   * Starts one. Throws ALREADY_RUNNING, or what its directories, sockets or ports throw; nothing is
   * left behind then.
   */
  static async start(setup: AppServerSetup): Promise<AppServer> {
    const { directory, flowDirectory, application } = setup.options;
    for (const path of [directory, ...runtimeFolders(directory), flowDirectory]) prepareDirectory(path);
    const flows = appFlowDirectory(flowDirectory, application.name);
    prepareDirectory(flows);
    const [apps = '', links = ''] = runtimeFolders(directory);
    ensureToken(directory);
    const access = new Access(application.access, setup.log);
    access.grantDirectories([flows], [directory, apps, links, flowDirectory]);
    const server = new AppServer(setup, access);
    try {
      await server.#listen();
    } catch (error) {
      await server.#abandon();
      throw error;
    }
    return server;
  }

  private constructor(setup: AppServerSetup, access: Access) {
    const { options, clock, log } = setup;
    const { application, directory } = options;
    this.#setup = setup;
    this.#access = access;
    this.#socket = appSocketPath(directory, application.name);
    this.#record = new ApplicationRecord(directory, application, this.#socket);
    const deliveries = new Deliveries();
    this.#flowControl = new FlowControl({
      deliveries,
      providerOf: (flow) => this.#flows.providerOf(flow),
      tellElsewhere: (flow, delivery, hops) => this.#remoteFlows.tellProvider(flow, delivery, hops),
      log,
    });
    const programs = new Programs({
      application: application.name,
      directory,
      registered: application.programs ?? {},
      log,
    });
    this.#flows = new Flows({
      server: options,
      duplicatorScript: () => setup.duplicatorScript ?? programPath('duplicator'),
      clock,
      log,
      closed: (opening) => this.#flowControl.closed(opening),
      reported: (flow, report) => this.#remoteFlows.reported(flow, report),
    });
    const hosts = new RemoteHosts((host, call, given) => this.#relay(host, call, given));
    this.#remoteFlows = new RemoteFlows({
      application: application.name,
      via: application.via,
      flows: this.#flows,
      hosts,
      clock,
      log,
    });
    this.#clients = new Clients(clock, (client, why) => {
      log.info('a client has gone', { client: client.presentation.name, why });
      this.#flows.release(client);
    });
    this.#gateway = new GatewayProcess(options, clock, log);
    const collection = new StatisticsCollector({
      application: application.name,
      clients: this.#clients,
      flows: this.#flows,
      programs: () => programs.list(),
      clock,
    });
    const handlers = handlersOf({
      clients: this.#clients,
      flows: this.#flows,
      deliveries,
      flowControl: this.#flowControl,
      collection,
      programs,
      hosts,
      remoteFlows: this.#remoteFlows,
      gateway: this.#gateway,
      application: application.name,
      source: application.source,
      info: () => this.#info(),
      quit: setup.onQuit,
    });
    this.#dispatcher = new Dispatcher(CONTRACT, handlers, { log, authorize: authorizeOrigin });
    const limits = { closeGraceMs: CLOSE_GRACE_MS };
    this.#sessions = new SessionServer<CallOrigin>({
      dispatcher: this.#dispatcher,
      context: (session) => ({ session }),
      log,
      limits,
    });
    this.#sessions.on('session', (session) => {
      session.once('close', () => this.#clients.connectionClosed(session));
    });
    this.#http = new HttpRpcServer<CallOrigin>(this.#dispatcher, {
      context: () => ({ session: undefined }),
      authentication: new HttpAuthentication({
        token: () => readToken(directory),
        secret: options.security.secret,
        clock,
        log,
      }),
      log,
      limits,
    });
  }

  /** Port of XML-RPC over HTTP on the loopback address. */
  get port(): number {
    return this.#port;
  }

  /**
   * Stops all duplicators, ends all sessions, closes the servers and gives the name up. Any number
   * of calls are one.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #listen(): Promise<void> {
    const { options, launch, log } = this.#setup;
    this.#flows.duplicators.expectRunning();
    await this.#listenOnSocket();
    this.#access.grant(this.#socket, 'socket');
    const bound = await this.#http.listen({ host: LOOPBACK, port: options.application.port ?? 0 });
    this.#port = 'port' in bound ? bound.port : 0;
    this.#record.listensOn(this.#port);
    log.info('serving', { socket: this.#socket, port: this.#port, pid: process.pid });
    const ready: AppServerReady = {
      ...(launch === undefined ? {} : { launch }),
      version: PROTOCOL_VERSION,
      identity: identityToWire(ownIdentity()),
      name: options.application.name,
      socket: this.#socket,
      port: this.#port,
      ...(options.application.source === undefined ? {} : { source: options.application.source }),
    };
    const { directory } = options;
    this.#hostLink = new HostLink({ directory, ready, dispatcher: this.#dispatcher, log });
    this.#hostLink.start();
    this.#gateway.start();
    this.#leftovers = new Leftovers({
      directory,
      flowDirectory: options.flowDirectory,
      application: options.application.name,
      inUse: () => {
        this.#flows.forgetUnused();
        return this.#flows.inUse();
      },
      clock: this.#setup.clock,
      log,
    });
  }

  readonly #relay: Relay = (host, call, options) => {
    if (this.#hostLink !== undefined) return this.#hostLink.relay(host, call, options);
    throw new MirrorflowError('TRANSPORT_ERROR', 'there is no host server here to reach other hosts by', {
      host,
    });
  };

  /**
   * Who has claimed the name and finds the socket in use meets a predecessor whose last threads are
   * just ending.
   */
  async #listenOnSocket(): Promise<void> {
    const { clock } = this.#setup;
    const deadlineMs = clock.nowMs() + PREDECESSOR_ENDS_WITHIN_MS;
    for (;;) {
      try {
        await this.#sessions.listen({ path: this.#socket });
        return;
      } catch (error) {
        if (!isMirrorflowError(error, 'ADDRESS_IN_USE') || clock.nowMs() > deadlineMs) throw error;
      }
      await new Promise<void>((resolve) => {
        clock.after(PREDECESSOR_LOOK_MS, resolve);
      });
    }
  }

  async #close(): Promise<void> {
    this.#flowControl.stop();
    this.#remoteFlows.stop();
    await Promise.all([this.#gateway.close(), this.#flows.stop()]);
    this.#leftovers?.stop();
    this.#leftovers?.remove();
    this.#clients.close();
    await Promise.all([this.#sessions.close(), this.#http.close(), this.#hostLink?.close()]);
    this.#record.release();
  }

  /** After a start that failed: duplicators of an earlier app server are left as they are. */
  async #abandon(): Promise<void> {
    await Promise.all([this.#sessions.close(), this.#http.close(), this.#hostLink?.close()]);
    this.#record.release();
  }

  #info() {
    const { application } = this.#setup.options;
    const gateway = this.#gateway.info();
    return {
      name: application.name,
      version: packageVersion(),
      protocol: PROTOCOL_VERSION,
      pid: process.pid,
      port: this.#port,
      socket: this.#socket,
      ...(application.source === undefined ? {} : { source: application.source }),
      ...(application.via === undefined ? {} : { via: application.via }),
      startedAt: this.#startedAt,
      hostServer: this.#hostLink?.connected ?? false,
      ...(gateway === undefined ? {} : { gateway }),
    };
  }
}
