/**
 * A collaboration of sites for one test: a rig of NATS servers and a real system at each leaf,
 * which takes part over its own leaf node. Used by the system tests of NATS. Starts processes;
 * `stop` ends everything and fails when something is left.
 */
import { writeFileSync } from 'node:fs';
import type { HostOnNetwork } from '../../client-lib/index.js';
import type { StatedNatsOptions } from '../../protocol/nats/options.js';
import { eventually } from './eventually.js';
import { NatsRig, type NatsRigOptions } from './nats-rig.js';
import { RealSystem } from './real-system.js';
import type { TestProcess } from './test-process.js';
import { TemporaryDirectory } from './temporary-directory.js';

export interface SiteStart {
  readonly nats?: Partial<StatedNatsOptions>;
  readonly applications?: readonly object[];
  /** Name of the host; default: the name of the site. */
  readonly host?: string;
  /** The NATS server; default: the leaf of this name. */
  readonly server?: string;
}

export class NatsCollaboration {
  readonly rig: NatsRig;
  readonly #directory = new TemporaryDirectory();
  readonly #systems = new Map<string, RealSystem>();
  /** By site; one that was started again replaces its predecessor. */
  readonly #present = new Map<string, RealSystem>();
  readonly #hostServers = new Map<string, TestProcess>();

  static async start(options: NatsRigOptions = {}): Promise<NatsCollaboration> {
    return new NatsCollaboration(await NatsRig.start(options));
  }

  private constructor(rig: NatsRig) {
    this.rig = rig;
  }

  /** Starts the host of a site; its bucket is at the hub. */
  async startSite(site: string, start: SiteStart = {}): Promise<RealSystem> {
    const config = this.#directory.file(`${site}.json`);
    const { nats = {}, applications = [], host = site, server = site } = start;
    const address = this.rig.server(server).address('test');
    const content = { nats: { address, site, domain: 'hub', ...nats }, applications };
    writeFileSync(config, JSON.stringify(content));
    const system = new RealSystem({ hostOptions: ['--config', config, '--host-name', host] });
    this.#systems.set(`${site} ${this.#systems.size}`, system);
    this.#present.set(site, system);
    await this.restartHost(site);
    return system;
  }

  system(site: string): RealSystem {
    const system = this.#present.get(site);
    if (system === undefined) throw new Error(`site ${site} was not started`);
    return system;
  }

  /** Starts the host server of a site that was stopped, with the same directories. */
  async restartHost(site: string): Promise<void> {
    this.#hostServers.set(site, await this.system(site).startHost());
  }

  /** Process id of the NATS process, as the present host server has logged it last. */
  natsPid(site: string): Promise<number> {
    return eventually(() => {
      const [last] = this.#hostServers.get(site)?.logged('the NATS process runs').slice(-1) ?? [];
      return last === undefined ? undefined : Number(last['pid']);
    }, `the NATS process of ${site} runs`);
  }

  /** What the NATS process of a site has logged. */
  natsLog(site: string): string {
    return this.system(site).read('logs/nats.log') ?? '';
  }

  /** The path of a file with a private key. */
  keyFile(name: string, privateKey: string): string {
    const file = this.#directory.file(`${name}.key`);
    writeFileSync(file, privateKey, { mode: 0o600 });
    return file;
  }

  /** The far host as the host of `site` lists it, once `condition` holds of it. */
  async listed(
    site: string,
    far: string,
    condition: (host: HostOnNetwork) => boolean = () => true,
  ): Promise<HostOnNetwork> {
    return eventually(async () => {
      const hosts = await this.system(site).host.network();
      return hosts.find((host) => host.host === far && condition(host));
    }, `the host of ${site} lists ${far}`);
  }

  /** Waits until the host of `site` does not list the far host. */
  async notListed(site: string, far: string): Promise<void> {
    await eventually(async () => {
      const hosts = await this.system(site).host.network();
      return !hosts.some(({ host }) => host === far);
    }, `the host of ${site} does not list ${far}`);
  }

  /** Ends all hosts; throws when something is left on one. The NATS servers run on. */
  async stopSites(failed: boolean): Promise<void> {
    const systems = [...this.#systems.values()];
    this.#systems.clear();
    this.#present.clear();
    const ends = await Promise.allSettled(systems.map((system) => system.stop(failed)));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  async stop(): Promise<void> {
    await this.stopSites(false);
    await this.rig.stop();
    this.#directory.remove();
  }
}
