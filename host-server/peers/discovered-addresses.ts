/**
 * The addresses that announcements on the local network gave, any of which may be invented: how
 * many are tried at the same time, in all and of one sender, and for how long. A host that has once
 * proved the secret keeps its place before those that have not. Owned by `peers.ts`, which makes
 * and closes the connections; configured addresses are not counted here. Pure: the clock is a
 * parameter.
 */
import type { Clock } from '../../protocol/base/clock.js';

export interface DiscoveryLimits {
  /** Addresses in all. */
  readonly addresses: number;
  /** Addresses that the announcements of one sender gave. */
  readonly perSender: number;
  /** From the last announcement of an address that proved nothing until it is forgotten. */
  readonly unprovenMs: number;
}

export const DISCOVERY_LIMITS: DiscoveryLimits = { addresses: 64, perSender: 4, unprovenMs: 10 * 60_000 };

interface Discovered {
  readonly sender: string;
  announcedMs: number;
  /** A host there has proved the secret. */
  proved: boolean;
}

export class DiscoveredAddresses {
  readonly #clock: Clock;
  readonly #limits: DiscoveryLimits;
  /** By the text of the address, the one announced first in front. */
  readonly #known = new Map<string, Discovered>();

  constructor(clock: Clock, limits: DiscoveryLimits = DISCOVERY_LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * `address` was announced. Returns whether it may be tried, and the addresses that are no longer
   * tried from now on: expired ones, and one that made room.
   */
  announced(address: string, sender: string): { readonly accepted: boolean; readonly dropped: string[] } {
    const nowMs = this.#clock.nowMs();
    const known = this.#known.get(address);
    if (known !== undefined) known.announcedMs = nowMs;
    const dropped = this.#dropExpired(nowMs);
    if (known !== undefined) return { accepted: true, dropped };
    const ofSender = [...this.#known].filter(([, one]) => one.sender === sender);
    const full =
      ofSender.length >= this.#limits.perSender
        ? ofSender
        : this.#known.size >= this.#limits.addresses
          ? [...this.#known]
          : undefined;
    if (full !== undefined) {
      const oldest = full.find(([, one]) => !one.proved);
      if (oldest === undefined) return { accepted: false, dropped };
      this.#known.delete(oldest[0]);
      dropped.push(oldest[0]);
    }
    this.#known.set(address, { sender, announcedMs: nowMs, proved: false });
    return { accepted: true, dropped };
  }

  /** A host at this address has proved the secret. */
  proved(address: string): void {
    const known = this.#known.get(address);
    if (known !== undefined) known.proved = true;
  }

  /** Whether the address has a place here. */
  has(address: string): boolean {
    return this.#known.has(address);
  }

  #dropExpired(nowMs: number): string[] {
    const expired = [...this.#known]
      .filter(([, one]) => !one.proved && nowMs - one.announcedMs > this.#limits.unprovenMs)
      .map(([address]) => address);
    for (const address of expired) this.#known.delete(address);
    return expired;
  }
}
