/**
 * A whole mirrorflow on each host of a lab, all with one secret: what the tests of several hosts
 * stand on.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WholeSystem, eventually } from '../system/whole-system.js';
import { NetworkLab } from './lab.js';

const PORT = 7390;

export class LabHosts {
  readonly lab: NetworkLab;
  readonly #systems: ReadonlyMap<string, WholeSystem>;
  readonly #directory: string;

  /**
   * Starts a host server on every host; each knows all others, and is connected with them when this
   * resolves.
   */
  static async start(names: readonly string[]): Promise<LabHosts> {
    const hosts = new LabHosts(await NetworkLab.make(names));
    try {
      await Promise.all([...hosts.#systems.values()].map((system) => system.startHost()));
      for (const [name, system] of hosts.#systems) {
        await eventually(`${name} sees all hosts`, async () => {
          const seen = await system.host.network();
          return seen.filter(({ connected }) => connected).length === names.length;
        });
      }
      return hosts;
    } catch (error) {
      await hosts.close(true);
      throw error;
    }
  }

  private constructor(lab: NetworkLab) {
    this.lab = lab;
    this.#directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    const secretFile = join(this.#directory, 'secret');
    writeFileSync(secretFile, 'the secret of the laboratory', { mode: 0o600 });
    this.#systems = new Map(
      lab.hosts.map(({ name, address }) => {
        const peers = lab.hosts.filter((other) => other.name !== name);
        const hostOptions = [
          '--listen', `tcp://${address}:${PORT}`, '--host-name', name, '--secret-file', secretFile,
          ...peers.flatMap((peer) => ['--peer', `tcp://${peer.address}:${PORT}`]),
        ]; // prettier-ignore
        const system = new WholeSystem({
          command: (program, args) => lab.on(name, program, args),
          hostOptions,
        });
        return [name, system];
      }),
    );
  }

  system(name: string): WholeSystem {
    const found = this.#systems.get(name);
    if (found === undefined) throw new Error(`the lab has no host ${name}`);
    return found;
  }

  /** Stops everything; throws when something is left on a host. */
  async close(failed: boolean): Promise<void> {
    const ends = await Promise.allSettled([...this.#systems.values()].map((system) => system.stop(failed)));
    await this.lab.close();
    rmSync(this.#directory, { recursive: true, force: true });
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }
}
