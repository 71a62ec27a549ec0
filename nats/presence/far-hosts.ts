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

/**
 * Of one site, so that none can use up the room of another: its hosts, and the bytes of their
 * entries.
 */
const HOSTS_OF_SITE_MAX = 256;
const BYTES_OF_SITE_MAX = 1024 * 1024;
/** Of all sites. */
const BYTES_MAX = 16 * 1024 * 1024;
/** Of the hosts in one list: as XML-RPC they are up to seven times as long, and fit in a call. */
const LISTED_BYTES_MAX = 512 * 1024;

interface Known {
  readonly entry: Entry;
  readonly bytes: number;
  readonly receivedAtMs: number;
}

export class FarHosts {
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Adds or replaces the entry of a host, which has so many bytes. Returns whether the list may
   * have changed; an entry for which there is no room changes nothing.
   */
  received(key: string, entry: Entry, bytes: number): boolean {
    const before = this.#known.get(key);
    if (before !== undefined && entry.atMs <= before.entry.atMs) return false;
    if (!this.#hasRoom(key, entry.host.site, bytes)) return false;
    this.#known.set(key, { entry, bytes, receivedAtMs: this.#clock.nowMs() });
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

  #hasRoom(key: string, site: string, bytes: number): boolean {
    let [hosts, allBytes] = [1, bytes];
    let [hostsOfSite, bytesOfSite] = [1, bytes];
    for (const [other, known] of this.#known) {
      if (other === key) continue;
      hosts += 1;
      allBytes += known.bytes;
      if (known.entry.host.site !== site) continue;
      hostsOfSite += 1;
      bytesOfSite += known.bytes;
    }
    return (
      hosts <= SITE_HOSTS_MAX &&
      allBytes <= BYTES_MAX &&
      hostsOfSite <= HOSTS_OF_SITE_MAX &&
      bytesOfSite <= BYTES_OF_SITE_MAX
    );
  }

  /**
   * Those that fit in a report. The sites that publish least come first, so that what is left out
   * is of one that publishes too much.
   */
  list(): SiteHost[] {
    const bytesOf = new Map<string, number>();
    for (const { entry, bytes } of this.#known.values())
      bytesOf.set(entry.host.site, (bytesOf.get(entry.host.site) ?? 0) + bytes);
    const siteBytes = ({ entry }: Known): number => bytesOf.get(entry.host.site) ?? 0;
    const ranked = [...this.#known.values()].toSorted(
      (one, other) => siteBytes(one) - siteBytes(other) || one.bytes - other.bytes,
    );
    let listed = 0;
    return ranked.flatMap(({ entry, bytes }) => {
      listed += bytes;
      return listed <= LISTED_BYTES_MAX ? [entry.host] : [];
    });
  }
}

function textOf(host: SiteHost): string {
  return JSON.stringify(host);
}
