/**
 * The presence of this host among all sites: publishes what it has, at each change and as a sign of
 * life, and reports the hosts of other sites to the host server. Owned by the NATS process while it
 * is connected with the server. Calls the host server and app servers of this host.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { connectHost, type HostConnection } from '../../client-lib/index.js';
import type { Clock } from '../../protocol/base/clock.js';
import type { Logger } from '../../protocol/base/log.js';
import { RateLimitedLog } from '../../protocol/base/rate-limited-log.js';
import type { NatsOptions } from '../../protocol/nats/options.js';
import type { SiteSeals } from '../../protocol/nats/signature.js';
import type { NatsSubjects } from '../../protocol/nats/subjects.js';
import type { SiteHost } from '../../protocol/rpc/contract/sites.js';
import { Bucket } from './bucket.js';
import { decodeEntry, encodeEntry } from './entry.js';
import { EntryTimes } from './entry-times.js';
import { ENTRY_LIFE_MS, FarHosts } from './far-hosts.js';
import { OwnHost } from './own-host.js';

/** How often changes on this host are looked for. */
const LOOK_MS = 1_000;
/** Several signs of life fit into the life of an entry. */
const SIGN_MS = ENTRY_LIFE_MS / 4;
/** Changes of other sites within this time are reported together. */
const REPORT_SPACING_MS = 100;

export interface PresenceOptions {
  readonly connection: NatsConnection;
  readonly subjects: NatsSubjects;
  readonly seals: SiteSeals;
  readonly nats: NatsOptions;
  /** The name of this host. */
  readonly host: string;
  readonly directory: string;
  readonly onFarHosts: (hosts: SiteHost[]) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Presence {
  readonly #options: PresenceOptions;
  readonly #key: string;
  readonly #bucket: Bucket;
  readonly #far: FarHosts;
  readonly #own: OwnHost;
  readonly #refusals: RateLimitedLog;
  #server: HostConnection | undefined;
  readonly #times = new EntryTimes(() => Date.now());
  #cancelLook: () => void = () => undefined;
  #cancelReport: (() => void) | undefined;
  #published = { text: '', atMs: -Infinity };
  /** The last description; still published while no host server runs. */
  #described: SiteHost | undefined;
  #closed = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    const { connection, subjects, nats, host, directory, clock, log } = options;
    this.#key = subjects.key(host);
    this.#refusals = new RateLimitedLog(clock, log);
    this.#far = new FarHosts(clock);
    this.#own = new OwnHost({ site: subjects.site, rules: nats.publish ?? [], directory });
    this.#bucket = new Bucket({
      connection,
      name: subjects.bucket,
      domain: nats.domain,
      onEntry: (key, value) => this.#received(key, value),
      clock,
      log,
    });
    this.#look();
  }

  /** Removes the entry of this host. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelLook();
    this.#cancelReport?.();
    // What is being looked up or written may take long when a server is unreachable.
    await Promise.all([this.#bucket.close(this.#key), this.#own.close(), this.#server?.close()]);
  }

  #look(): void {
    const { clock } = this.#options;
    void this.#publish().then(() => {
      if (this.#closed) return;
      if (this.#far.expire()) this.#changed();
      this.#cancelLook = clock.after(LOOK_MS, () => this.#look());
    });
  }

  async #publish(): Promise<void> {
    const { seals, clock } = this.#options;
    this.#described = (await this.#describe()) ?? this.#described;
    const host = this.#described;
    if (host === undefined) return;
    const text = JSON.stringify(host);
    const isDue = clock.nowMs() - this.#published.atMs >= SIGN_MS;
    if (text === this.#published.text && !isDue) return;
    const entry = encodeEntry(seals, this.#key, { host, atMs: Date.now() });
    if (await this.#bucket.put(this.#key, entry)) this.#published = { text, atMs: clock.nowMs() };
  }

  async #describe(): Promise<SiteHost | undefined> {
    try {
      this.#server ??= await connectHost({ directory: this.#options.directory });
      return await this.#own.describe(this.#server);
    } catch {
      // The host server is unreachable: the link to it has logged that.
      await this.#server?.close();
      this.#server = undefined;
      return undefined;
    }
  }

  #received(key: string, value: Uint8Array | undefined): void {
    if (key === this.#key) return;
    const { seals } = this.#options;
    if (value === undefined) {
      if (this.#far.removed(key)) this.#changed();
      return;
    }
    const entry = decodeEntry(seals, key, value);
    if (entry === undefined) {
      this.#refusals.warn('an entry of another site was refused: changed, forged, or none', { key });
      return;
    }
    const time = seals.verifies ? this.#times.accept(key, entry.atMs) : 'new';
    if (time === 'distant') {
      this.#refusals.warn('an entry of another site was refused: its time is not now', {
        key,
        differenceMs: Math.round(Date.now() - entry.atMs),
      });
    }
    if (time === 'new' && this.#far.received(key, entry, value.length)) this.#changed();
  }

  /** Reports at most so often, whatever other sites write. */
  #changed(): void {
    this.#cancelReport ??= this.#options.clock.after(REPORT_SPACING_MS, () => {
      this.#cancelReport = undefined;
      this.#options.onFarHosts(this.#far.list());
    });
  }
}
