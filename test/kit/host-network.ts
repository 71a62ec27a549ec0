/**
 * Real systems as hosts of one network with one secret: on this machine's loopback, or each in the
 * network namespace of a lab host. Used by the tests of several hosts. Starts processes, and
 * creates and removes directories.
 */
import type { NetworkLab } from '../network/lab.js';
import { eventually } from './eventually.js';
import { RealSystem } from './real-system.js';

const SECRET = 'a secret of all hosts of the test';
/** In a lab every host has an address of its own, so that peers can be named before they start. */
const LAB_PORT = 7390;

export interface HostStart {
  /** Names of the hosts to connect to; default: all that were started before. */
  readonly peers?: readonly string[];
  /** Further options of the host server. */
  readonly options?: readonly string[];
  readonly secret?: string;
  /** Default: any on loopback, LAB_PORT in a lab. 0: any. */
  readonly port?: number;
  /** The host server's file; default: that of this release. */
  readonly program?: string;
}

export class HostNetwork {
  readonly #lab: NetworkLab | undefined;
  readonly #systems = new Map<string, RealSystem>();

  /** `lab`: without it all hosts are on loopback. It is closed by `stop`. */
  constructor(lab?: NetworkLab) {
    this.#lab = lab;
  }

  /** Starts a host on every host of the lab, each with all others as peers, and connects them. */
  static async inLab(lab: NetworkLab): Promise<HostNetwork> {
    const network = new HostNetwork(lab);
    const names = lab.hosts.map(({ name }) => name);
    try {
      await Promise.all(
        names.map((name) => network.start(name, { peers: names.filter((other) => other !== name) })),
      );
      await network.connected();
      return network;
    } catch (error) {
      await network.stop(true);
      throw error;
    }
  }

  async start(
    name: string,
    { peers = [...this.#systems.keys()], options = [], secret = SECRET, port, program }: HostStart = {},
  ): Promise<RealSystem> {
    const lab = this.#lab;
    const address = lab?.host(name).address ?? '127.0.0.1';
    const addresses = await Promise.all(peers.map((peer) => this.#addressOf(peer)));
    const system = new RealSystem({
      secret,
      ...(lab !== undefined && { command: (program, args) => lab.on(name, program, args) }),
      hostOptions: [
        '--listen', `tcp://${address}:${port ?? (lab === undefined ? 0 : LAB_PORT)}`,
        '--host-name', name,
        ...addresses.flatMap((peer) => ['--peer', peer]),
        ...options,
      ], // prettier-ignore
    });
    if (program !== undefined) system.hostServerProgram = program;
    this.#systems.set(name, system);
    await system.startHost();
    return system;
  }

  system(name: string): RealSystem {
    const system = this.#systems.get(name);
    if (system === undefined) throw new Error(`host ${name} was not started`);
    return system;
  }

  /** Waits until every host lists all others as connected and, with `app`, that it runs on each. */
  async connected(app?: string): Promise<void> {
    for (const [name, { host }] of this.#systems) {
      await eventually(async () => {
        const entries = (await host.network()).filter(({ connected }) => connected);
        const runs = ({ applications }: (typeof entries)[number]): boolean =>
          app === undefined || applications.some((info) => info.name === app && info.state === 'running');
        return entries.length === this.#systems.size && entries.every(runs);
      }, `host ${name} is connected to all others`);
    }
  }

  /** Stops all hosts and the lab; throws when something is left on a host. */
  async stop(failed: boolean): Promise<void> {
    const ends = await Promise.allSettled([...this.#systems.values()].map((system) => system.stop(failed)));
    await this.#lab?.close();
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  async #addressOf(name: string): Promise<string> {
    if (this.#lab !== undefined) return `tcp://${this.#lab.host(name).address}:${LAB_PORT}`;
    return `tcp://127.0.0.1:${(await this.system(name).host.info()).port}`;
  }
}
