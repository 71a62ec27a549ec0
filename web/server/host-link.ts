/**
 * The web process's connection to the host server, which manages the applications of this machine:
 * polls their list once a second while it has users, and starts and stops applications on request.
 * `Applications` owns the only one. Opens sockets; an unreachable host server is a state, not an
 * error.
 */
import { EventEmitter } from 'eventemitter3';
import { connectHost, type ApplicationInfo, type HostConnection } from '../../client-lib/index.js';
import type { Logger } from '../../protocol/base/log.js';
import type { FarHost } from '../wire/network.js';
import { UseCounter } from './use-counter.js';

interface HostLinkEvents {
  /** The list, or whether the host server answers, has changed. */
  applications: [applications: readonly ApplicationInfo[], hostServerConnected: boolean];
}

const POLL_MS = 1_000;
/** Each question for the network is one to every connected host. */
const FAR_HOSTS_MS = 5_000;

export class HostLink extends EventEmitter<HostLinkEvents> {
  readonly #directory: string | undefined;
  readonly #log: Logger;
  readonly #users = new UseCounter(() => this.#userLeft());
  #host: Promise<HostConnection> | undefined;
  #applications: readonly ApplicationInfo[] = [];
  #answers = false;
  #answeredMs = -Infinity;
  /** List and reachability as JSON at the last event. */
  #reported = '';
  #farHosts: readonly FarHost[] = [];
  #farHostsAskedMs = -Infinity;
  #pollTimer: NodeJS.Timeout | undefined;
  #request: Promise<void> | undefined;

  constructor(directory: string | undefined, log: Logger) {
    super();
    this.#directory = directory;
    this.#log = log;
  }

  /** The last answer; it stays while the host server is unreachable. */
  get applications(): readonly ApplicationInfo[] {
    return this.#applications;
  }

  /** Whether the host server answered the last request. */
  get hostServerConnected(): boolean {
    return this.#answers;
  }

  /** Whether the last answer is younger than one polling interval. */
  get isUpToDate(): boolean {
    return performance.now() - this.#answeredMs < POLL_MS;
  }

  /** Polls for one user, until the returned function is called. */
  startPolling(): () => void {
    this.#pollTimer ??= setInterval(() => void this.refresh(), POLL_MS);
    void this.refresh();
    return this.#users.acquire();
  }

  /** Requests the list once; concurrent calls share one request. Never rejects. */
  refresh(): Promise<void> {
    this.#request ??= this.#requestApplications().finally(() => {
      this.#request = undefined;
    });
    return this.#request;
  }

  /** The hosts of other sites, a few seconds old at most; asks again in the background. */
  farHosts(): readonly FarHost[] {
    if (performance.now() - this.#farHostsAskedMs >= FAR_HOSTS_MS) {
      this.#farHostsAskedMs = performance.now();
      void this.#requestFarHosts();
    }
    return this.#farHosts;
  }

  async run(app: string): Promise<void> {
    await (await this.#connected()).run({ name: app });
    await this.refresh();
  }

  async stop(app: string): Promise<void> {
    await (await this.#connected()).stop(app);
    await this.refresh();
  }

  async close(): Promise<void> {
    this.#stopPolling();
    const host = this.#host;
    this.#host = undefined;
    await (await host?.catch(() => undefined))?.close();
  }

  #userLeft(): void {
    if (!this.#users.inUse) this.#stopPolling();
  }

  #stopPolling(): void {
    clearInterval(this.#pollTimer);
    this.#pollTimer = undefined;
  }

  async #requestApplications(): Promise<void> {
    try {
      this.#applications = await (await this.#connected()).applications();
      this.#answers = true;
      this.#answeredMs = performance.now();
    } catch (error) {
      this.#answers = false;
      this.#log.debug('the host server does not answer', { error });
    }
    const report = JSON.stringify([this.#applications, this.#answers]);
    if (report === this.#reported) return;
    this.#reported = report;
    this.emit('applications', this.#applications, this.#answers);
  }

  async #requestFarHosts(): Promise<void> {
    try {
      const hosts = await (await this.#connected()).network();
      this.#farHosts = hosts.flatMap(({ host, site, version = '', applications, flows = [] }) =>
        host === undefined || site === undefined
          ? []
          : [
              {
                name: host,
                site,
                version,
                applications: applications.map(({ name, state }) => ({ name, state })),
                flows: flows.map(({ app, flow, state }) => ({ app, flow, state })),
              },
            ],
      );
    } catch (error) {
      this.#farHosts = [];
      this.#log.debug('the host server does not list the network', { error });
    }
  }

  #connected(): Promise<HostConnection> {
    if (this.#host !== undefined) return this.#host;
    const connecting = connectHost({ directory: this.#directory });
    this.#host = connecting;
    const forget = (): void => {
      if (this.#host === connecting) this.#host = undefined;
    };
    connecting.then((host) => void host.closed.then(forget), forget);
    return connecting;
  }
}
