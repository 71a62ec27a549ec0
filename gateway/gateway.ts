/**
 * The gateway put together: the record that makes it the only one of its application, the mirror,
 * the two services and their ports, the shared memory, and the names at the port manager. It owns
 * all of them and closes them in the reverse order.
 */
import type { Socket } from 'node:net';
import { userInfo } from 'node:os';
import { connect, type Client } from '../client-lib/index.js';
import { parseAddress } from '../protocol/base/address.js';
import { systemClock } from '../protocol/base/clock.js';
import { appFlowDirectory, gatewayRecordPath } from '../protocol/base/paths.js';
import { MirrorflowError, isMirrorflowError } from '../protocol/base/errors.js';
import { ClaimedGatewayRecord, readGatewayRecord } from '../protocol/host/gateway-record.js';
import type { Logger } from '../protocol/base/log.js';
import { prepareDirectory } from '../protocol/base/files/private-directory.js';
import { PORT_MANAGER_PORT } from '../protocol/spectcl/port-manager.js';
import { Advertiser } from './advertiser.js';
import { Listener } from './listener.js';
import { MirrorDirectory } from './mirror-directory.js';
import { MirrorService } from './mirror-service.js';
import { memoryMode, type GatewayProgramOptions } from './options.js';
import { OwnRequests } from './rest/own-requests.js';
import { RestService } from './rest/rest-service.js';
import { SourceRest } from './rest/source-rest.js';
import { Spectra } from './spectra.js';
import { removeLeftovers } from './sysv/leftovers.js';
import { SharedMemory } from './sysv/shared-memory.js';

const LOOPBACK = '127.0.0.1';

export class Gateway {
  readonly #options: GatewayProgramOptions;
  readonly #log: Logger;
  readonly #host: string;
  /** What is to be closed, in the order in which it was made. */
  readonly #closers: (() => unknown)[] = [];
  #mirror: MirrorService | undefined;
  #restPort = 0;
  #mirrorPort = 0;
  #closing: Promise<void> | undefined;

  /**
   * Starts one. Throws ALREADY_RUNNING, BAD_OPTION for an application without a SpecTcl,
   * ADDRESS_IN_USE and what the app server answers; nothing is left behind then.
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

  /** Mirror clients at the moment. */
  get clients(): number {
    return this.#mirror?.clients ?? 0;
  }

  /** Any number of calls are one. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #start(): Promise<void> {
    const { app, gateway, directory, flowDirectory } = this.#options;
    const log = this.#log;
    const client = await connect({
      app,
      name: 'gateway',
      program: 'mirrorflow gateway',
      directory,
      start: false,
    });
    this.#closers.push(() => client.close());
    const { source, via } = await client.appInfo();
    if (source === undefined && via === undefined) {
      throw new MirrorflowError(
        'BAD_OPTION',
        `application ${app} has no SpecTcl that a gateway could stand for`,
      );
    }
    for (const path of [flowDirectory, appFlowDirectory(flowDirectory, app)]) prepareDirectory(path);
    const memory = this.#sharedMemory();
    const address = source === undefined ? undefined : parseAddress(source, { schemes: ['spectcl'] });
    const rest = new SourceRest(address, systemClock);
    this.#closers.push(() => rest.close());
    const mirrors = new MirrorDirectory();
    const spectra = this.#spectra(client, memory);
    const mirror = new MirrorService({
      newest: () => spectra.newest(),
      directory: mirrors,
      clock: systemClock,
      log,
    });
    this.#mirror = mirror;
    const own = new OwnRequests({
      header: () => spectra.header(),
      imagePath: () => spectra.imagePath(),
      source: rest,
      directory: mirrors,
      memoryKey: () => memory?.key,
      ports: () => ({ restPort: this.#restPort, mirrorPort: this.#mirrorPort }),
    });
    const service = new RestService({ own, source: rest, allowChanges: gateway.allowChanges ?? false, log });
    this.#closers.push(
      () => mirror.close(),
      () => service.close(),
    );
    this.#restPort = await this.#serve('REST', gateway.restPort, (socket) => service.accept(socket));
    this.#mirrorPort = await this.#serve('MIRROR', gateway.mirrorPort, (socket) => mirror.accept(socket));
    this.#warnOfStrangers();
    spectra.keep();
  }

  /** Claims the application's one gateway, and with it what a killed one left. */
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
      const message = `application ${app} has the gateway ${pid} already; stop that one`;
      throw new MirrorflowError('ALREADY_RUNNING', message, { pid }, error);
    }
    this.#closers.push(() => record.release());
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

  #spectra(client: Client, memory: SharedMemory | undefined): Spectra {
    const spectra = new Spectra({
      client,
      clock: systemClock,
      log: this.#log,
      needed: () => memory !== undefined || this.clients > 0,
      published: (publication, bytes) => memory?.show(publication, bytes),
      whenExhausted: () => this.#mirror?.closeSlow(),
    });
    this.#closers.push(() => spectra.close());
    return spectra;
  }

  /** Listens on the stated port, and on the one of the port manager where that was asked for. */
  async #serve(name: 'REST' | 'MIRROR', port: number, accept: (socket: Socket) => void): Promise<number> {
    const { app, gateway } = this.#options;
    const listener = await Listener.open(`the ${name} service of ${app}`, this.#host, port, accept);
    this.#closers.push(() => listener.close());
    if (gateway.advertise !== undefined) this.#advertise(`${gateway.advertise}_${name}`, accept);
    this.#log.info('listening', { service: name, host: this.#host, port: listener.port });
    return listener.port;
  }

  #advertise(service: string, accept: (socket: Socket) => void): void {
    const { portManagerPort = PORT_MANAGER_PORT } = this.#options.gateway;
    let listener: Listener | undefined;
    const log = this.#log;
    const move = async (port: number): Promise<void> => {
      if (listener?.port === port) return;
      listener?.close();
      listener = undefined;
      try {
        const opened = await Listener.open(`the advertised ${service}`, this.#host, port, accept);
        if (this.#closing === undefined) listener = opened;
        else opened.close();
      } catch (error) {
        log.error('the advertised port cannot be had', { service, port, error });
      }
    };
    const advertiser = new Advertiser({
      service,
      user: userInfo().username,
      port: portManagerPort,
      clock: systemClock,
      log,
      given: (port) => void move(port),
    });
    this.#closers.push(() => {
      advertiser.close();
      listener?.close();
    });
  }

  /** SpecTcl's protocols know neither a secret nor a name: whoever reaches the ports is served. */
  #warnOfStrangers(): void {
    if (['127.0.0.1', 'localhost', '::1'].includes(this.#host)) return;
    const changes = this.#options.gateway.allowChanges === true ? ', and may change SpecTcl' : '';
    this.#log.warn(
      `whoever reaches ${this.#host} can read these spectra${changes}: SpecTcl's protocols have no secret`,
    );
  }

  async #close(): Promise<void> {
    for (const close of this.#closers.toReversed()) await close();
  }
}
