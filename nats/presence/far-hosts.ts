/**
 * The hosts of other sites by the entries that they publish: a host is listed while its entries
 * arrive, and removed when none arrived for ENTRY_LIFE_MS. Repeated and older entries change
 * nothing. Used by `Presence`, which receives entries and reports the list. Pure but for the clock.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { SITE_HOSTS_MAX, type SiteHost } from '../../protocol/rpc/contract/sites.js';
import type { Entry } from './entry.js';

/** Time without an entry after which a host is removed; hosts publish several in this time. */
export const ENTRY_LIFE_MS = 30_000;

interface Known {
  readonly entry: Entry;
  readonly receivedAtMs: number;
}

export class FarHosts {
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds or replaces the entry of a host. Returns whether the list may have changed. */
  received(key: string, entry: Entry): boolean {
    const before = this.#known.get(key);
    if (before !== undefined && entry.atMs <= before.entry.atMs) return false;
    if (before === undefined && this.#known.size >= SITE_HOSTS_MAX) return false;
    this.#known.set(key, { entry, receivedAtMs: this.#clock.nowMs() });
    return before === undefined || textOf(before.entry.host) !== textOf(entry.host);
  }

  /** Removes a host that has deleted its entry, as it ends. Returns whether it was listed. */
  removed(key: string): boolean {
    return this.#known.delete(key);
  }

  /** Removes the hosts whose entries have expired. Returns whether there were any. */
  expire(): boolean {
    const beforeMs = this.#clock.nowMs() - ENTRY_LIFE_MS;
    const expired = [...this.#known].filter(([, { receivedAtMs }]) => receivedAtMs < beforeMs);
    for (const [key] of expired) this.#known.delete(key);
    return expired.length > 0;
  }

  list(): SiteHost[] {
    return [...this.#known.values()].map(({ entry }) => entry.host);
  }
}

function textOf(host: SiteHost): string {
  return JSON.stringify(host);
}
