/**
 * The app server as a whole: one process per application, started by `main.ts`. Claims the name of
 * the application by the record file `apps/<app>.json`, then opens the endpoints (the sockets that
 * take calls) and connects to the host server. Its services start a duplicator (the process that
 * serves a flow) for each flow in use, the gateway (SpecTcl's services for old viewers) and the
 * recorder.
 *
 * Creates the directories and the record, and grants users access to directories, sockets and
 * tokens. close() stops gateway, recorder and duplicators, then removes leftovers (files of
 * duplicators that died), then closes endpoints and host link together, then removes the record.
 */
import { assert } from '../protocol/base/assert.js';
import { Access } from '../protocol/host/access/access.js';
import { readersOf } from '../protocol/host/access/audience.js';
import type { ApplicationReaders } from '../protocol/rpc/contract/access-options.js';
import { changesAllowed } from '../protocol/rpc/contract/changes-allowed.js';
import { identityToWire } from '../protocol/rpc/contract/identity-on-wire.js';
import { PROTOCOL_VERSION } from '../protocol/base/version.js';
import type { AppServerReady } from '../protocol/rpc/contract/shapes.js';
import { appFlowDirectory, appSocketPath, runtimeFolders } from '../protocol/base/paths.js';
import { packageVersion } from '../protocol/base/installation.js';
import { LIMITS } from '../protocol/base/limits.js';
import { ownIdentity } from '../protocol/base/owner-identity.js';
import { prepareDirectory } from '../protocol/base/files/private-directory.js';
import { PutBack } from '../protocol/host/put-back.js';
import { claimApplicationRecord, type ServerRecord } from '../protocol/host/server-record.js';
import { Leftovers } from './children/leftovers.js';
import { CLOSE_GRACE_MS, Endpoints } from './endpoints.js';
import { HostLink } from './remote/host-link.js';
import { UnusedWatch, WITHOUT_HOST_MS } from './unused-watch.js';
import type { AppServerOptions } from './options.js';
import { createServices, type Services, type ServicesSetup } from './services.js';

/**
 * Longest time that close() may take: less than the host server waits before it sends SIGKILL.
 * `main.ts` enforces it, by an exit. The endpoints and the host link close after the duplicators,
 * each within the grace time.
 */
export const CLOSE_TIMEOUT_MS = LIMITS.appServerStopTimeoutMs * 0.9;
assert(LIMITS.childStopTimeoutMs + 2 * CLOSE_GRACE_MS < CLOSE_TIMEOUT_MS);

export interface AppServerSetup extends ServicesSetup {
  /**
   * Random text by which the host server that started this process recognises it; undefined
   * when it was started by hand.
   */
  readonly launchToken: string | undefined;
  /** Runs when a caller requests the end of the server; the owner then calls close(). */
  readonly onQuit: () => void;
  /** Runs when another app server has taken the application; the owner then ends the process. */
  readonly onReplaced: () => void;
}

export class AppServer {
  readonly #setup: AppServerSetup;
  readonly #startedAt = new Date();
  readonly #readers: ApplicationReaders;
  /** Path of the socket with the right `read`; those of other rights are beside it. */
  readonly #socket: string;
  readonly #record: ServerRecord;
  readonly #hostLink: HostLink;
  readonly #services: Services;
  readonly #endpoints: Endpoints;
  #leftovers: Leftovers | undefined;
  #keeper: PutBack | undefined;
  #unused: UnusedWatch | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Resolves when calls are taken. Rejects with ALREADY_RUNNING, or with the error of a directory,
   * socket or port; sockets, tokens and record are removed then, directories stay.
   */
  static async start(setup: AppServerSetup): Promise<AppServer> {
    const access = new Access(setup.options.application.access, setup.log);
    prepareDirectories(setup.options, access);
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
    this.#readers = readersOf(application.access);
    this.#socket = appSocketPath(directory, application.name, 'read');
    this.#record = claimApplicationRecord(directory, application, this.#socket);
    this.#hostLink = new HostLink(directory, log);
    const serverCalls = { info: () => this.#info(), quit: onQuit };
    this.#services = createServices(setup, this.#hostLink.relay, serverCalls);
    const { clients, handlers } = this.#services;
    const onSessionClosed = (session: object): void => clients.connectionClosed(session);
    this.#endpoints = new Endpoints(options, handlers, onSessionClosed, clock, log);
  }

  /**
   * Stops gateway, recorder and duplicators, removes leftovers, closes endpoints and the host link,
   * and releases the name. Several calls share one close.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #listen(access: Access): Promise<void> {
    const { options, launchToken, clock, log } = this.#setup;
    const { directory, flowDirectory, application } = options;
    const { flows, gateway, recorder, spare } = this.#services;
    spare?.keep(); // first: it is ready when a client asks for a flow
    // Before any call is taken: duplicators of an earlier app server reconnect at once.
    flows.duplicators.expectRunning();
    await this.#endpoints.listenOnSockets(access);
    await this.#endpoints.listenOnPort(application.port ?? 0);
    const { port, dispatcher } = this.#endpoints;
    this.#record.setPort(port);
    log.info('serving', { socket: this.#socket, port, pid: process.pid });
    const ready: AppServerReady = {
      ...(launchToken === undefined ? {} : { launch: launchToken }),
      version: PROTOCOL_VERSION,
      identity: identityToWire(ownIdentity()),
      name: application.name,
      socket: this.#socket,
      port,
      ...(application.source === undefined ? {} : { source: application.source }),
    };
    this.#hostLink.start(ready, dispatcher, () => this.#replaced());
    this.#keeper = new PutBack(
      [
        directory,
        ...runtimeFolders(directory),
        appFlowDirectory(flowDirectory, application.name),
        this.#record.path,
        ...this.#endpoints.files,
      ],
      async () => {
        prepareDirectories(options, access);
        this.#record.putBack();
        await this.#endpoints.listenOnSockets(access);
      },
      log,
    );
    this.#unused = this.#endWhenUnused();
    gateway.start();
    recorder.start();
    this.#leftovers = new Leftovers({
      directory,
      flowDirectory,
      application: application.name,
      removeUnusedAndList: () => {
        flows.table.removeUnused();
        return flows.table.namesInUse();
      },
      clock,
      log,
    });
  }

  #endWhenUnused(): UnusedWatch {
    const { options, clock, log, launchToken, onQuit } = this.#setup;
    const { clients, flows } = this.#services;
    const afterMs = options.application.withoutHostMs ?? WITHOUT_HOST_MS;
    // An app server that was started by hand needs no host server where none has ever run.
    let hadHost = launchToken !== undefined;
    return new UnusedWatch({
      clock,
      afterMs,
      isUsed: () => {
        hadHost ||= this.#hostLink.connected;
        const hasClients =
          clients.list().length > 0 || flows.table.all().some((flow) => flow.linkClients > 0);
        return !hadHost || this.#hostLink.connected || hasClients;
      },
      onUnused: () => {
        log.warn('ending: there was neither a host server nor a client', { afterMs });
        onQuit();
      },
    });
  }

  async #close(): Promise<void> {
    this.#unused?.stop();
    await this.#keeper?.close();
    const { clients, flows, flowControl, remoteFlows, gateway, recorder, fits } = this.#services;
    flowControl.stop();
    remoteFlows.stop();
    await Promise.all([gateway.close(), recorder.close(), fits.close(), flows.table.stop()]);
    this.#leftovers?.stop();
    this.#leftovers?.remove();
    clients.close();
    await Promise.all([this.#endpoints.close(), this.#hostLink.close()]);
    this.#record.release();
  }

  /**
   * A host server that found no record, since another program had removed it, has started another
   * app server. This one ends and leaves it the duplicators. One that a user started stays.
   */
  #replaced(): void {
    if (this.#setup.launchToken === undefined) return;
    this.#setup.log.warn('another app server serves this application; ending');
    this.#record.release();
    this.#setup.onReplaced();
  }

  /** After a start that failed: the duplicators of an earlier app server keep running. */
  async #abandon(): Promise<void> {
    await Promise.all([this.#endpoints.close(), this.#hostLink.close(), this.#services.spare?.close()]);
    this.#record.release();
  }

  #info() {
    const { application } = this.#setup.options;
    const gateway = this.#services.gateway.info();
    const recorder = this.#services.recorder.info();
    return {
      name: application.name,
      version: packageVersion(),
      protocol: PROTOCOL_VERSION,
      pid: process.pid,
      port: this.#endpoints.port,
      socket: this.#socket,
      ...(application.source === undefined ? {} : { source: application.source }),
      ...(application.via === undefined ? {} : { via: application.via }),
      allowChanges: changesAllowed(application),
      startedAt: this.#startedAt,
      hostServer: this.#hostLink.connected,
      ...(gateway === undefined ? {} : { gateway }),
      ...(recorder === undefined ? {} : { recorder }),
      readers: this.#readers,
    };
  }
}

/** The directories of this application, with their access. */
function prepareDirectories(
  { directory, flowDirectory, application }: AppServerOptions,
  access: Access,
): void {
  for (const path of [directory, ...runtimeFolders(directory), flowDirectory]) prepareDirectory(path);
  const flowsPath = appFlowDirectory(flowDirectory, application.name);
  prepareDirectory(flowsPath);
  const [apps = '', links = ''] = runtimeFolders(directory);
  access.grantDirectories([flowsPath], [directory, apps, links, flowDirectory]);
}
