/** Several whole systems as hosts of one network, on this machine's loopback, with one secret. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, WholeSystem } from './whole-system.js';

export class LoopbackHosts {
  readonly secretFile: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'mirrorflow-hosts-'));
  readonly #systems = new Map<string, WholeSystem>();

  constructor() {
    this.secretFile = join(this.#directory, 'secret');
    writeFileSync(this.secretFile, 'a secret of all hosts of the test\n');
    chmodSync(this.secretFile, 0o600);
  }

  /**
   * Starts a host that knows the addresses of those that were started before it, or of `peers`
   * only. `options`: further ones of its host server.
   */
  async start(
    name: string,
    peers: readonly string[] = [...this.#systems.keys()],
    options: readonly string[] = [],
  ): Promise<WholeSystem> {
    const addresses = await Promise.all(peers.map((peer) => this.#addressOf(peer)));
    const system = new WholeSystem({
      hostOptions: [
        '--listen',
        'tcp://127.0.0.1:0',
        '--host-name',
        name,
        '--secret-file',
        this.secretFile,
        ...addresses.flatMap((address) => ['--peer', address]),
        ...options,
      ],
    });
    this.#systems.set(name, system);
    await system.startHost();
    return system;
  }

  async #addressOf(name: string): Promise<string> {
    const system = this.#systems.get(name);
    if (system === undefined) throw new Error(`host ${name} was not started`);
    return `tcp://127.0.0.1:${(await system.host.info()).port}`;
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
}
