/** Several whole systems as hosts of one network: on this machine's loopback, or each on a host of a lab. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetworkLab } from '../network/lab.js';
import { eventually, WholeSystem } from './whole-system.js';

export class Hosts {
  readonly secretFile: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'mirrorflow-hosts-'));
  readonly #lab: NetworkLab | undefined;
  readonly #systems = new Map<string, WholeSystem>();

  constructor(lab?: NetworkLab) {
    this.#lab = lab;
    this.secretFile = join(this.#directory, 'secret');
    writeFileSync(this.secretFile, 'a secret of all hosts of the test\n');
    chmodSync(this.secretFile, 0o600);
  }

  /** Starts a host that knows the addresses of those that were started before it, or of `peers` only. */
  async start(name: string, peers: readonly string[] = [...this.#systems.keys()]): Promise<WholeSystem> {
    const system = new WholeSystem();
    system.secretFile = this.secretFile;
    const addresses = await Promise.all(peers.map((peer) => this.addressOf(peer)));
    system.hostArguments = ['--host-name', name, ...addresses.flatMap((address) => ['--peer', address])];
    const lab = this.#lab;
    if (lab !== undefined) {
      system.listen = 'tcp://0.0.0.0:7390';
      system.on = (command, args) => lab.on(name, command, args);
    }
    this.#systems.set(name, system);
    await system.startHost();
    return system;
  }

  async addressOf(name: string): Promise<string> {
    if (this.#lab !== undefined) return `tcp://${this.#lab.host(name).address}:7390`;
    return `tcp://127.0.0.1:${(await this.#system(name).host.info()).port}`;
  }

  /** Waits until every host sees every other one, and each application that runs on it. */
  async together(app?: string): Promise<void> {
    for (const [name, { host }] of this.#systems) {
      await eventually(`host ${name} sees all others`, async () => {
        const seen = (await host.network()).filter(({ connected }) => connected);
        const running = ({ applications }: (typeof seen)[number]): boolean =>
          app === undefined || applications.some((found) => found.name === app && found.state === 'running');
        return seen.length === this.#systems.size && seen.every(running);
      });
    }
  }

  async stop(failed: boolean): Promise<void> {
    for (const system of this.#systems.values()) await system.stop(failed);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #system(name: string): WholeSystem {
    const system = this.#systems.get(name);
    if (system === undefined) throw new Error(`host ${name} was not started`);
    return system;
  }
}
