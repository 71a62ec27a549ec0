/**
 * Describes this host for other sites: its published applications, from its host server, and their
 * flows, from the app servers. Used by `Presence`. Holds a connection of the client library to each
 * published application that runs.
 */
import { connect, type ApplicationInfo, type Client, type HostConnection } from '../../client-lib/index.js';
import { publishesFlow, ruleFor } from '../../protocol/nats/published.js';
import type { PublishRule } from '../../protocol/nats/options.js';
import type { SiteHost } from '../../protocol/rpc/contract/sites.js';

export interface OwnHostOptions {
  /** Name of the site under which this host is published. */
  readonly site: string;
  readonly rules: readonly PublishRule[];
  /** Runtime directory of the host server and the app servers. */
  readonly directory: string;
}

export class OwnHost {
  readonly #options: OwnHostOptions;
  readonly #clients = new Map<string, Promise<Client>>();

  constructor(options: OwnHostOptions) {
    this.#options = options;
  }

  /**
   * The entry of this host. Rejects when the host server does not answer; an application whose app
   * server does not answer is described without flows.
   */
  async describe(server: HostConnection): Promise<SiteHost> {
    const [{ host, version, startedAt }, all] = await Promise.all([server.info(), server.applications()]);
    const { site, rules } = this.#options;
    const published = all.flatMap((application) => {
      const rule = ruleFor(rules, application);
      return rule === undefined ? [] : [{ application, rule }];
    });
    const running = published.filter(({ application }) => application.state === 'running');
    await this.#closeAllBut(new Set(running.map(({ application }) => application.name)));
    const flows = await Promise.all(
      running.map(async ({ application: { name }, rule }) =>
        (await this.#flows(name))
          .filter(({ flow }) => publishesFlow(rule, flow))
          .map(({ flow, type, state }) => ({ app: name, flow, type, state })),
      ),
    );
    const applications = published.map(({ application }) => publicPart(application));
    return { site, host, version, since: startedAt, applications, flows: flows.flat() };
  }

  async close(): Promise<void> {
    await this.#closeAllBut(new Set());
  }

  async #flows(app: string) {
    try {
      const client = this.#clients.get(app) ?? this.#connect(app);
      return await (await client).flows();
    } catch {
      return [];
    }
  }

  #connect(app: string): Promise<Client> {
    const { directory } = this.#options;
    const client = connect({
      app,
      name: 'nats',
      program: 'mirrorflow nats',
      directory,
      right: 'read',
      start: false,
    });
    this.#clients.set(app, client);
    client.catch(() => {
      if (this.#clients.get(app) === client) this.#clients.delete(app);
    });
    return client;
  }

  async #closeAllBut(kept: ReadonlySet<string>): Promise<void> {
    const unused = [...this.#clients].filter(([app]) => !kept.has(app));
    for (const [app] of unused) this.#clients.delete(app);
    await Promise.all(unused.map(async ([, client]) => (await client.catch(() => undefined))?.close()));
  }
}

/** An application without what is not for other sites: source, process id, ports. */
function publicPart({ name, state, startedAt }: ApplicationInfo): SiteHost['applications'][number] {
  return { name, state, ...(startedAt !== undefined && { startedAt }) };
}
