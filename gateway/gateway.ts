/**
 * A gateway: serves SpecTcl's REST and mirror protocols for one application, from its mirror.
 *
 * `main.ts` starts one. It owns the record that makes it the only gateway of its application, the
 * mirror, two TCP services, the shared memory and the names at the port manager, and closes them in
 * the reverse order of their creation.
 */
import type { Socket } from 'node:net';
import { userInfo } from 'node:os';
import { connect, type Client } from '../client-lib/index.js';
import { parseAddress } from '../protocol/base/address.js';
import { systemClock } from '../protocol/base/clock.js';
import { appFlowDirectory, gatewayRecordPath } from '../protocol/base/paths.js';
import { MirrorflowError, isMirrorflowError } from '../protocol/base/errors.js';
import { ownNames } from '../protocol/host/own-names.js';
import { PutBack } from '../protocol/host/put-back.js';
import { ClaimedGatewayRecord, readGatewayRecord } from '../protocol/host/gateway-record.js';
import type { Logger } from '../protocol/base/log.js';
import { RateLimitedLog } from '../protocol/base/rate-limited-log.js';
import { Audience } from '../protocol/host/access/audience.js';
import type { ApplicationReaders } from '../protocol/rpc/contract/access-options.js';
import { isLoopback } from '../protocol/rpc/security/listening.js';
import { UnprovenPlaces } from '../protocol/rpc/security/unproven-places.js';
import { prepareDirectory } from '../protocol/base/files/private-directory.js';
import { PORT_MANAGER_PORT } from '../protocol/spectcl/port-manager.js';
import { Advertiser } from './advertiser.js';
import { Listener, type Door } from './listener.js';
import { MirrorDirectory } from './mirror-directory.js';
import { MirrorService } from './mirror-service.js';
import { memoryMode, type GatewayProgramOptions } from './options.js';
import { readGatewaySecurity, type GatewaySecurity } from './security.js';
import { bindings } from '../protocol/spectcl/display-memory.js';
import { LastAnswers } from './rest/last-answers.js';
import { LocalRequests } from './rest/local-requests.js';
import { RequestGuard } from './rest/request-guard.js';
import { RestService } from './rest/rest-service.js';
import { SourceRest } from './rest/source-rest.js';
import { Traces, type SourceTraces } from './rest/traces.js';
import { MirrorSource } from './mirror-source.js';
import type { Lease } from './publications.js';
import { removeLeftovers } from './sysv/leftovers.js';
import { SharedMemory } from './sysv/shared-memory.js';

const LOOPBACK = '127.0.0.1';
/** Most open connections of each service, whose clients need no proof. */
const REST_PLACES = { total: 1_024, perAddress: 128, perPeer: 0 };
const MIRROR_PLACES = { total: 1_024, perAddress: 64, perPeer: 0 };

interface Service {
  accept(socket: Socket): void;
}

export class Gateway {
  readonly #options: GatewayProgramOptions;
  readonly #log: Logger;
  readonly #host: string;
  /** Functions that close the parts, in the order in which the parts were created. */
  readonly #closers: (() => unknown)[] = [];
  readonly #audience = new Audience();
  #readers: ApplicationReaders | undefined;
  #mirror: MirrorService | undefined;
  #traces: Traces | undefined;
  /** Version of the display header whose bindings are in the traces. */
  #tracedHeader = 0;
  #restPort = 0;
  #mirrorPort = 0;
  #closing: Promise<void> | undefined;

  /**
   * Starts a gateway. Throws ALREADY_RUNNING, BAD_OPTION for an application without a SpecTcl,
   * ADDRESS_IN_USE and errors of the app server, after closing what was created.
   */
  static async start(options: GatewayProgramOptions, log: Logger): Promise<Gateway> {
    const gateway = new Gateway(options, log);
    try {
      await gateway.#start();
      return gateway;
    } catch (error) {
      await gateway.close();
      throw error;
    }
  }

  private constructor(options: GatewayProgramOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#host = options.gateway.host ?? LOOPBACK;
  }

  get host(): string {
    return this.#host;
  }

  get restPort(): number {
    return this.#restPort;
  }

  get mirrorPort(): number {
    return this.#mirrorPort;
  }

  /** Number of connected mirror clients. */
  get clients(): number {
    return this.#mirror?.clients ?? 0;
  }

  /** Idempotent: later calls return the same promise. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #start(): Promise<void> {
    const { app, gateway, directory, flowDirectory } = this.#options;
    const log = this.#log;
    const security = readGatewaySecurity(this.#options, this.#host);
    const client = await connect({
      app,
      name: 'gateway',
      program: 'mirrorflow gateway',
      right: 'read',
      directory,
      start: false,
    });
    this.#closers.push(() => client.close());
    const { source, via, readers } = await client.appInfo();
    this.#readers = readers;
    if (source === undefined && via === undefined) {
      throw new MirrorflowError(
        'BAD_OPTION',
        `application ${app} has no SpecTcl to serve: give the application a source first`,
      );
    }
    for (const path of [flowDirectory, appFlowDirectory(flowDirectory, app)]) prepareDirectory(path);
    const memory = this.#sharedMemory();
    const address = source === undefined ? undefined : parseAddress(source, { schemes: ['spectcl'] });
    const rest = new SourceRest(address, systemClock);
    const lastAnswers = new LastAnswers(rest, systemClock);
    this.#closers.push(
      () => rest.close(),
      () => lastAnswers.close(),
    );
    const directoryOfMirrors = new MirrorDirectory();
    const mirrorSource = this.#mirrorSource(client, memory);
    const mirror = new MirrorService({
      newest: () => mirrorSource.newest(),
      mayRead: (socket) => this.#mayRead(socket),
      directory: directoryOfMirrors,
      clock: systemClock,
      log,
    });
    this.#mirror = mirror;
    const traces = new Traces({
      source: sourceTraces(rest),
      clock: systemClock,
      bindings: () =>
        mirrorSource.header().then(
          (header) => header.bindings,
          () => undefined,
        ),
      hasHeader: (peer, version) => mirror.hasHeader(peer, version),
      firstToken: firstToken(),
    });
    this.#traces = traces;
    const localRequests = new LocalRequests({
      header: () => mirrorSource.header(),
      imagePath: () => mirrorSource.imagePath(),
      newest: () => mirrorSource.newest(),
      source: lastAnswers,
      unreachableSince: () => rest.unreachableSince,
      traces,
      directory: directoryOfMirrors,
      memoryKey: () => memory?.key,
      ports: () => ({ restPort: this.#restPort, mirrorPort: this.#mirrorPort }),
    });
    const service = new RestService({
      localRequests,
      source: rest,
      lastAnswers,
      mayRead: (socket) => this.#mayRead(socket),
      guard: new RequestGuard({
        names: ownNames(gateway.names),
        allowChanges: gateway.allowChanges ?? false,
        changesToken: security.changesToken,
      }),
      clock: systemClock,
      log,
    });
    this.#closers.push(
      () => mirror.close(),
      () => service.close(),
    );
    const refusals = new RateLimitedLog(systemClock, log);
    const door = (name: string, places: UnprovenPlaces, service: Service): Door => ({
      title: `the ${name} service of ${app}`,
      host: this.#host,
      identity: security.identity,
      places,
      accept: (socket) => service.accept(socket),
      onFull: (from) => refusals.warn('a connection made room for a newer one', { service: name, from }),
    });
    const restDoor = door('REST', new UnprovenPlaces(REST_PLACES), service);
    const mirrorDoor = door('MIRROR', new UnprovenPlaces(MIRROR_PLACES), mirror);
    this.#restPort = await this.#serve('REST', gateway.restPort, restDoor);
    this.#mirrorPort = await this.#serve('MIRROR', gateway.mirrorPort, mirrorDoor);
    this.#warnOfUnprotectedAccess(security);
    mirrorSource.keep();
    if (address !== undefined) lastAnswers.prefetch();
  }

  /**
   * Whether the user of a connection may read the application. Those of other machines are unknown:
   * they may where the gateway listens for them, unless the application is private.
   */
  async #mayRead(socket: Socket): Promise<boolean> {
    const { remoteAddress = '' } = socket;
    const readers = this.#readers;
    const isLocal = isLoopback(remoteAddress.replace('::ffff:', ''));
    if (isLocal && readers?.everyone !== true) await this.#audience.identify(socket);
    const isPrivate = readers?.everyone !== true && readers?.groups.length === 0;
    const may = isLocal ? this.#audience.mayRead({ socket }, readers) : !isPrivate;
    if (!may)
      this.#log.debug('a connection was refused: its user may not read the application', { remoteAddress });
    return may;
  }

  /** Claims the application's only gateway, with the shared memory of a killed predecessor. */
  #sharedMemory(): SharedMemory | undefined {
    const { app, gateway, flowDirectory } = this.#options;
    const path = gatewayRecordPath(flowDirectory, app);
    const leftover = readGatewayRecord(path)?.segment;
    let record: ClaimedGatewayRecord;
    try {
      record = new ClaimedGatewayRecord(path, leftover);
    } catch (error) {
      if (!isMirrorflowError(error, 'FILE_OWNED')) throw error;
      const pid = error.facts['pid'] ?? 0;
      const message = `application ${app} has a gateway already, process ${pid}; stop it first`;
      throw new MirrorflowError('ALREADY_RUNNING', message, { pid }, error);
    }
    const keeper = new PutBack(
      [path, flowDirectory],
      () => {
        for (const folder of [flowDirectory, appFlowDirectory(flowDirectory, app)]) prepareDirectory(folder);
        record.putBack();
      },
      this.#log,
    );
    this.#closers.push(
      () => record.release(),
      () => keeper.close(),
    );
    removeLeftovers(flowDirectory, app, this.#log);
    const memory = new SharedMemory(
      { application: app, key: gateway.sharedMemoryKey, mode: memoryMode(gateway), record, log: this.#log },
      leftover,
    );
    this.#closers.push(() => memory.close());
    if (gateway.sharedMemory === true) return memory;
    memory.close();
    return undefined;
  }

  #mirrorSource(client: Client, memory: SharedMemory | undefined): MirrorSource {
    const mirrorSource = new MirrorSource({
      client,
      clock: systemClock,
      log: this.#log,
      isNeeded: () => memory !== undefined || this.clients > 0 || this.#traces?.active === true,
      needsChannels: memory !== undefined,
      onPublication: (publication, bytes) => {
        memory?.update(publication.memory, bytes);
        this.#trace(publication);
      },
      whenExhausted: () => this.#mirror?.closeSlow(),
    });
    this.#closers.push(() => mirrorSource.close());
    return mirrorSource;
  }

  /** Passes a new header to the traces, after the shared memory has it. */
  #trace({ memory, headerVersion }: Lease): void {
    const traces = this.#traces;
    if (traces?.active !== true || headerVersion === this.#tracedHeader) return;
    this.#tracedHeader = headerVersion;
    traces.published(bindings(memory), headerVersion);
  }

  /** Listens on the given port and, when the service is advertised, on the port manager's port. */
  async #serve(name: 'REST' | 'MIRROR', port: number, door: Door): Promise<number> {
    const { gateway } = this.#options;
    const listener = await Listener.open(door, port);
    this.#closers.push(() => listener.close());
    if (gateway.advertise !== undefined) this.#advertise(`${gateway.advertise}_${name}`, door);
    this.#log.info('listening', { service: name, host: this.#host, port: listener.port });
    return listener.port;
  }

  #advertise(service: string, door: Door): void {
    const { portManagerPort = PORT_MANAGER_PORT } = this.#options.gateway;
    let listener: Listener | undefined;
    const log = this.#log;
    const listenOn = async (port: number): Promise<void> => {
      if (listener?.port === port) return;
      listener?.close();
      listener = undefined;
      try {
        const opened = await Listener.open({ ...door, title: `the advertised ${service}` }, port);
        if (this.#closing === undefined) listener = opened;
        else opened.close();
      } catch (error) {
        log.error('cannot listen on the advertised port', { service, port, error });
      }
    };
    const advertiser = new Advertiser({
      service,
      user: userInfo().username,
      port: portManagerPort,
      clock: systemClock,
      log,
      onPort: (port) => void listenOn(port),
    });
    this.#closers.push(() => {
      advertiser.close();
      listener?.close();
    });
  }

  /** SpecTcl's protocols have no authentication: every program that reaches the ports is served. */
  #warnOfUnprotectedAccess({ identity, changesToken }: GatewaySecurity): void {
    if (isLoopback(this.#host)) return;
    const { allowChanges } = this.#options.gateway;
    const changes = allowChanges === true && changesToken === undefined ? ' and change SpecTcl' : '';
    const line = identity === undefined ? ', and the line is not encrypted' : '';
    this.#log.warn(
      `programs that reach ${this.#host} can read these spectra${changes}: SpecTcl's protocols have no authentication${line}`,
    );
  }

  async #close(): Promise<void> {
    for (const close of this.#closers.toReversed()) await close();
  }
}

/** Longest answer to a request for changes. */
const TRACE_BYTES_MAX = 16 * 1024 * 1024;

/** SpecTcl's traces. Each request is sent once: a repeated fetch would lose the first answer. */
function sourceTraces(source: SourceRest): SourceTraces {
  const ask = async (request: string): Promise<unknown> => {
    const path = `/spectcl/trace/${request}`;
    return source.detailOf(path, await source.fresh(path, { bodyBytesMax: TRACE_BYTES_MAX }));
  };
  return {
    establish: async (retentionS) => Number(await ask(`establish?retention=${retentionS}`)),
    fetch: async (token) => (await ask(`fetch?token=${token}`)) as Awaited<ReturnType<SourceTraces['fetch']>>,
  };
}

/** A number that grows with the time, so that the tokens of two gateways differ. */
function firstToken(): number {
  return Math.floor(Date.now() / 100) % 2_000_000_000;
}
