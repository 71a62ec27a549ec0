/**
 * NATS as a collaboration runs it: a hub and leaf nodes, each with a JetStream domain of its own,
 * as real processes; on loopback, or each in the network namespace of a lab host of the same name.
 * Used by tests and benchmarks of NATS. `stop` ends the processes and removes their files.
 */
import { writeFileSync } from 'node:fs';
import { connectNats, type NatsAccess } from '../../protocol/nats/connection.js';
import { parseNatsAddress } from '../../protocol/nats/address.js';
import type { NetworkLab } from '../network/lab.js';
import { eventually } from './eventually.js';
import { NatsServer } from './nats-server.js';
import { TemporaryDirectory } from './temporary-directory.js';

/** In a lab every host has an address of its own. */
const HUB = 'hub';

export interface NatsRigOptions {
  /** Names of the leaf nodes; each is also its JetStream domain and, in a lab, its host. */
  readonly leaves?: readonly string[];
  /** Has a host named `hub` and one for each leaf. Closed by its owner after `stop`. */
  readonly lab?: NetworkLab;
  /** Further lines of the configuration of a server. */
  readonly lines?: (server: string) => readonly string[];
  /** Files beside the configurations, for `include`: text by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** `NAME:PASSWORD@` by which a leaf connects to the hub. */
  readonly leafUser?: (leaf: string) => string;
}

export class NatsRig {
  readonly hub: NatsServer;
  readonly #directory = new TemporaryDirectory();
  readonly #servers = new Map<string, NatsServer>();
  readonly #options: NatsRigOptions;

  /** Resolves when all servers run and the leaves are connected. */
  static async start(options: NatsRigOptions = {}): Promise<NatsRig> {
    const rig = new NatsRig(options);
    try {
      await rig.hub.start();
      const leaves = options.leaves ?? ['alpha', 'beta'];
      for (const leaf of leaves) await rig.#startLeaf(leaf);
      for (const leaf of leaves) await rig.connected(leaf);
      return rig;
    } catch (error) {
      await rig.stop();
      throw error;
    }
  }

  private constructor(options: NatsRigOptions) {
    this.#options = options;
    for (const [name, text] of Object.entries(options.files ?? {}))
      writeFileSync(this.#directory.file(name), text);
    this.hub = this.#make(HUB, undefined);
  }

  server(name: string): NatsServer {
    const server = this.#servers.get(name);
    if (server === undefined) throw new Error(`the rig has no server ${name}`);
    return server;
  }

  /** How a site reaches a server; without credentials. */
  access(server: string, site: string, prefix = 'test'): NatsAccess {
    return { address: parseNatsAddress(this.server(server).address(prefix)), site, tls: false };
  }

  /** Kills a server, or ends it, and starts it again with its store. */
  async restart(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.server(name).kill(signal);
    await this.server(name).start();
  }

  /** Waits until a leaf and the hub have logged their connection since the leaf's last start. */
  async connected(leaf: string): Promise<void> {
    const server = this.server(leaf);
    await eventually(
      () => {
        const made = server.log.lastIndexOf('Leafnode connection created');
        return made >= 0 && made > server.log.lastIndexOf('Starting nats-server');
      },
      `leaf ${leaf} is connected to the hub`,
      30_000,
    );
  }

  /** Ends all servers and removes their files. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.kill()));
    this.#directory.remove();
  }

  async #startLeaf(name: string): Promise<void> {
    const user = this.#options.leafUser?.(name) ?? '';
    await this.#make(name, this.hub.leafUrl(user)).start();
  }

  #make(name: string, hub: string | undefined): NatsServer {
    const { lab, lines } = this.#options;
    const server = new NatsServer({
      name,
      directory: this.#directory.path,
      domain: name,
      lines: lines?.(name) ?? [],
      ...(hub === undefined ? { acceptsLeaves: true } : { hub }),
      ...(lab !== undefined && {
        host: lab.host(name).address,
        wrap: (program, args) => lab.on(name, program, args),
      }),
    });
    this.#servers.set(name, server);
    return server;
  }
}

/** Connects as a site; the caller closes the connection. */
export function connectTo(access: NatsAccess) {
  return connectNats(access, `test of ${access.site}`);
}
