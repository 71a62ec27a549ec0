/**
 * The site of this host over NATS: connects with the NATS server, with retries for ever, then
 * publishes flows, publishes this host and receives those of other sites, and carries calls.
 * Created by `main.ts`. Opens the connection; its parts (calls, presence, publisher) use it.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { connectHost } from '../client-lib/index.js';
import type { Clock } from '../protocol/base/clock.js';
import { MirrorflowError } from '../protocol/base/errors.js';
import { InterruptibleWait } from '../protocol/base/interruptible-wait.js';
import type { Logger } from '../protocol/base/log.js';
import { connectNatsForever } from '../protocol/nats/connection.js';
import { natsAccess } from '../protocol/nats/options.js';
import type { SiteSeals } from '../protocol/nats/signature.js';
import { NatsSubjects } from '../protocol/nats/subjects.js';
import type { SiteCall, SiteHost } from '../protocol/rpc/contract/sites.js';
import type { RpcValue } from '../protocol/rpc/xml-rpc/values.js';
import { SiteCalls } from './calls/site-calls.js';
import type { HostLink } from './host-link.js';
import type { NatsProgramOptions } from './options.js';
import { Presence } from './presence/presence.js';
import { SitePublisher } from './publish/site-publisher.js';

/** Time between two attempts to reach the host server of this host. */
const HOST_RETRY_MS = 500;

export interface SiteOptions extends NatsProgramOptions {
  /** Signs what this site publishes, and verifies what other sites publish. */
  readonly seals: SiteSeals;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The connection and the parts that use it. */
interface ConnectedParts {
  readonly connection: NatsConnection;
  readonly calls: SiteCalls;
  readonly presence: Presence;
  /** Undefined: nothing is published. */
  readonly publisher: SitePublisher | undefined;
}

export class Site {
  readonly #options: SiteOptions;
  readonly #ending = new AbortController();
  #connected: ConnectedParts | undefined;

  constructor(options: SiteOptions) {
    this.#options = options;
  }

  /** Begins to connect; the connection then reconnects for ever. */
  start(link: HostLink): void {
    void this.#start(link);
  }

  /** See site.call. Rejects with TRANSPORT_ERROR while the server was never reached. */
  async call(site: string, host: string, call: SiteCall): Promise<RpcValue> {
    if (this.#connected === undefined)
      throw new MirrorflowError('TRANSPORT_ERROR', `${this.#options.nats.address} was not reached yet`);
    return this.#connected.calls.call(site, host, call);
  }

  /**
   * Resolves when what was accepted is sent, or the server is unreachable; an attempt to connect
   * ends by itself. Idempotent.
   */
  async close(): Promise<void> {
    this.#ending.abort();
    const parts = this.#connected;
    this.#connected = undefined;
    if (parts === undefined) return;
    parts.calls.close();
    await Promise.all([parts.publisher?.close(), parts.presence.close()]);
    await parts.connection.close();
  }

  async #start(link: HostLink): Promise<void> {
    const { nats, seals, directory, clock, log } = this.#options;
    const { signal } = this.#ending;
    const host = await this.#hostName();
    if (host === undefined) return;
    const access = natsAccess(nats);
    const connection = await connectNatsForever(access, { name: `mirrorflow ${host}`, clock, log, signal });
    if (connection === undefined) return;
    const subjects = new NatsSubjects(access.address.prefix, nats.site);
    const answer = link.answer.bind(link);
    const calls = new SiteCalls({ connection, subjects, host, seals, answer, clock, log });
    const onFarHosts = (hosts: SiteHost[]): void => {
      link.report({ connected: true, hosts });
      calls.answerSites(hosts.map(({ site }) => site));
    };
    const presence = new Presence({
      connection,
      subjects,
      seals,
      nats,
      host,
      directory,
      onFarHosts,
      clock,
      log,
    });
    onFarHosts([]);
    const publisher =
      (nats.publish ?? []).length === 0
        ? undefined
        : new SitePublisher({ connection, subjects, nats, seals, directory, clock, log });
    this.#connected = { connection, calls, presence, publisher };
  }

  /** The name of this host, from its host server, which may be starting; undefined when ending. */
  async #hostName(): Promise<string | undefined> {
    const { directory, clock } = this.#options;
    const { signal } = this.#ending;
    const wait = new InterruptibleWait(clock, signal);
    while (!signal.aborted) {
      try {
        const server = await connectHost({ directory });
        try {
          return (await server.info()).host;
        } finally {
          await server.close();
        }
      } catch {
        await wait.wait(HOST_RETRY_MS);
      }
    }
    return undefined;
  }
}
