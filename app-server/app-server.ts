/**
 * The app server as a whole: one per application. Claims the application's name, then starts and
 * later closes its parts in reverse order: services (clients, flows, gateway), endpoints (the
 * sockets that take calls), the connection to the host server, the clean-up of leftovers. Started
 * by `main.ts`.
 */
import assert from 'node:assert/strict';
import { Access } from '../protocol/host/access/access.js';
import { identityToWire } from '../protocol/rpc/contract/identity-on-wire.js';
import { PROTOCOL_VERSION } from '../protocol/base/version.js';
import type { AppServerReady } from '../protocol/rpc/contract/shapes.js';
import { appFlowDirectory, appSocketPath, runtimeFolders } from '../protocol/base/paths.js';
import { packageVersion } from '../protocol/base/installation.js';
import { LIMITS } from '../protocol/base/limits.js';
import { ownIdentity } from '../protocol/base/owner-identity.js';
import { prepareDirectory } from '../protocol/base/files/private-directory.js';
import { ensureToken } from '../protocol/rpc/security/token-file.js';
import { ApplicationRecord } from './application-record.js';
import { Leftovers } from './children/leftovers.js';
import { CLOSE_GRACE_MS, Endpoints } from './endpoints.js';
import { HostLink } from './remote/host-link.js';
import { createServices, type Services, type ServicesSetup } from './services.js';

/** Longest time that close() takes: less than the host server waits before it sends SIGKILL. */
export const CLOSE_TIMEOUT_MS = LIMITS.appServerStopTimeoutMs * 0.9;
assert(LIMITS.childStopTimeoutMs + 2 * CLOSE_GRACE_MS < CLOSE_TIMEOUT_MS);

export interface AppServerSetup extends ServicesSetup {
  /** The launch token of the host server that started this process; undefined by hand. */
  readonly launch: string | undefined;
  /** Runs when a caller requests the end of the server; the owner then calls close(). */
  readonly onQuit: () => void;
}

export class AppServer {
  readonly #setup: AppServerSetup;
  readonly #startedAt = new Date();
  readonly #socket: string;
  readonly #record: ApplicationRecord;
  readonly #hostLink: HostLink;
  readonly #services: Services;
  readonly #endpoints: Endpoints;
  #leftovers: Leftovers | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Resolves when calls are taken. Rejects with ALREADY_RUNNING, or with the error of a directory,
   * socket or port; nothing is left behind then.
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
    const server = new AppServer(setup);
    try {
      await server.#listen(access);
    } catch (error) {
      await server.#abandon();
      throw error;
    }
    return server;
  }

  private constructor(setup: AppServerSetup) {
    const { options, clock, log, onQuit } = setup;
    const { application, directory } = options;
    this.#setup = setup;
    this.#socket = appSocketPath(directory, application.name);
    this.#record = new ApplicationRecord(directory, application, this.#socket);
    this.#hostLink = new HostLink(directory, log);
    const serverCalls = { info: () => this.#info(), quit: onQuit };
    this.#services = createServices(setup, this.#hostLink.relay, serverCalls);
    const { clients, handlers } = this.#services;
    const onSessionClosed = (session: object): void => clients.connectionClosed(session);
    this.#endpoints = new Endpoints(options, handlers, onSessionClosed, clock, log);
  }

  /**
   * Stops all duplicators, ends all sessions, closes the endpoints and releases the name. Several
   * calls share one close.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #listen(access: Access): Promise<void> {
    const { options, launch, clock, log } = this.#setup;
    const { directory, flowDirectory, application } = options;
    const { flows, gateway } = this.#services;
    flows.duplicators.expectRunning();
    await this.#endpoints.listenOnSocket(this.#socket);
    access.grant(this.#socket, 'socket');
    await this.#endpoints.listenOnPort(application.port ?? 0);
    const { port, dispatcher } = this.#endpoints;
    this.#record.listensOn(port);
    log.info('serving', { socket: this.#socket, port, pid: process.pid });
    const ready: AppServerReady = {
      ...(launch === undefined ? {} : { launch }),
      version: PROTOCOL_VERSION,
      identity: identityToWire(ownIdentity()),
      name: application.name,
      socket: this.#socket,
      port,
      ...(application.source === undefined ? {} : { source: application.source }),
    };
    this.#hostLink.start(ready, dispatcher);
    gateway.start();
    this.#leftovers = new Leftovers({
      directory,
      flowDirectory,
      application: application.name,
      inUse: () => {
        flows.table.removeUnused();
        return flows.table.inUse();
      },
      clock,
      log,
    });
  }

  async #close(): Promise<void> {
    const { clients, flows, flowControl, remoteFlows, gateway } = this.#services;
    flowControl.stop();
    remoteFlows.stop();
    await Promise.all([gateway.close(), flows.table.stop()]);
    this.#leftovers?.stop();
    this.#leftovers?.remove();
    clients.close();
    await Promise.all([this.#endpoints.close(), this.#hostLink.close()]);
    this.#record.release();
  }

  /** After a start that failed: the duplicators of an earlier app server keep running. */
  async #abandon(): Promise<void> {
    await Promise.all([this.#endpoints.close(), this.#hostLink.close()]);
    this.#record.release();
  }

  #info() {
    const { application } = this.#setup.options;
    const gateway = this.#services.gateway.info();
    return {
      name: application.name,
      version: packageVersion(),
      protocol: PROTOCOL_VERSION,
      pid: process.pid,
      port: this.#endpoints.port,
      socket: this.#socket,
      ...(application.source === undefined ? {} : { source: application.source }),
      ...(application.via === undefined ? {} : { via: application.via }),
      startedAt: this.#startedAt,
      hostServer: this.#hostLink.connected,
      ...(gateway === undefined ? {} : { gateway }),
    };
  }
}
