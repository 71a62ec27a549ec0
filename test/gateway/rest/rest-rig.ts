/**
 * The REST service of a gateway over a simulator in this process, at a port of its own. Used by the
 * tests of the service. Opens sockets, which `close` closes.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { expect } from 'chai';
import { startSimulator, type Simulator, type SimulatorOptions } from '../../../simulator/simulator.js';
import { MirrorDirectory } from '../../../gateway/mirror-directory.js';
import { LastAnswers } from '../../../gateway/rest/last-answers.js';
import { LocalRequests } from '../../../gateway/rest/local-requests.js';
import { RequestGuard } from '../../../gateway/rest/request-guard.js';
import { RestService } from '../../../gateway/rest/rest-service.js';
import { SourceRest } from '../../../gateway/rest/source-rest.js';
import { Traces } from '../../../gateway/rest/traces.js';
import { parseAddress } from '../../../protocol/base/address.js';
import { systemClock, type Clock } from '../../../protocol/base/clock.js';
import { MirrorflowError } from '../../../protocol/base/errors.js';
import { bindings } from '../../../protocol/spectcl/display-memory.js';
import { silent } from '../../kit/silent-log.js';

/** Longer than any answer of the simulator takes. */
const TIMEOUT_MS = 45_000;

export interface RestRigOptions {
  readonly allowChanges?: boolean;
  readonly simulated?: SimulatorOptions;
  /** Of SpecTcl; default: the simulator's. */
  readonly address?: string;
  readonly clock?: Clock;
  /** Longest wait for an answer of SpecTcl. */
  readonly timeoutMs?: number;
}

interface Reply {
  readonly http: number;
  readonly status: string;
  readonly detail?: unknown;
}

export class RestRig {
  readonly simulator: Simulator;
  readonly source: SourceRest;
  readonly directory = new MirrorDirectory();
  /** Whether the header of the mirror cannot be read. */
  mirrorIsUnreachable = false;
  readonly #lastAnswers: LastAnswers;
  readonly #service: RestService;
  readonly #server: Server;

  static async start(options: RestRigOptions = {}): Promise<RestRig> {
    const simulator = await startSimulator({ rate: 0, ...options.simulated });
    simulator.step(1_000);
    const rig = new RestRig(simulator, options);
    rig.#server.listen(0, '127.0.0.1');
    await once(rig.#server, 'listening');
    return rig;
  }

  private constructor(
    simulator: Simulator,
    {
      allowChanges = false,
      address = simulator.address,
      clock = systemClock,
      timeoutMs = TIMEOUT_MS,
    }: RestRigOptions,
  ) {
    this.simulator = simulator;
    this.source = new SourceRest(parseAddress(address, { schemes: ['spectcl'] }), clock, timeoutMs);
    this.#lastAnswers = new LastAnswers(this.source, clock);
    this.#service = new RestService({
      mayRead: () => Promise.resolve(true),
      localRequests: this.#localRequests(clock),
      source: this.source,
      lastAnswers: this.#lastAnswers,
      guard: new RequestGuard({ names: ['daq.example'], allowChanges, changesToken: undefined }),
      clock,
      log: silent,
    });
    this.#server = createServer((socket) => this.#service.accept(socket));
  }

  /** Of the service. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Asks the service, or the one at another port. */
  async get(path: string, at = this.port, init: RequestInit = {}): Promise<Reply> {
    const reply = await fetch(`http://127.0.0.1:${at}/spectcl/${path}`, init);
    expect(reply.headers.get('content-type')).to.match(/^application\/json/);
    return {
      http: reply.status,
      ...(JSON.parse(await reply.text()) as { status: string; detail?: unknown }),
    };
  }

  async close(): Promise<void> {
    this.#service.close();
    this.#lastAnswers.close();
    this.source.close();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.simulator.close();
  }

  #localRequests(clock: Clock): LocalRequests {
    return new LocalRequests({
      header: () => {
        if (this.mirrorIsUnreachable)
          return Promise.reject(new MirrorflowError('SOURCE_UNREACHABLE', 'there is no mirror'));
        const decoded = bindings(this.simulator.memory);
        const version = decoded.map(({ name }) => name).join();
        return Promise.resolve({ bindings: decoded, channelBytes: 8_388_608, version });
      },
      imagePath: () => Promise.resolve('/dev/shm/somewhere/spectra.image'),
      newest: () =>
        Promise.resolve({
          memory: Buffer.from(this.simulator.memory),
          headerVersion: 1,
          release: () => undefined,
        }),
      source: this.#lastAnswers,
      unreachableSince: () => this.source.unreachableSince,
      traces: new Traces({
        source: { establish: () => Promise.resolve(1), fetch: () => Promise.resolve({}) },
        clock,
        bindings: () => Promise.resolve([]),
        hasHeader: () => true,
        firstToken: 1,
      }),
      directory: this.directory,
      memoryKey: () => undefined,
      ports: () => ({ restPort: 4711, mirrorPort: 4712 }),
    });
  }
}
