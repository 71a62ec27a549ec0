/**
 * Limits failed attempts to authenticate: after a number of failures within a time window, an
 * address is blocked until the window ends. Used by the HTTP server, the gate for other hosts, the
 * listener of a duplicator and the sign-in of the web viewer. Pure: the clock is a parameter;
 * memory is bounded for any number of addresses.
 */
import type { Clock } from '../../base/clock.js';

export interface FailedAttemptsLimits {
  /** Failures within the window after which an address is blocked. */
  readonly failures: number;
  /** Length of the window, which begins with the first failure. */
  readonly windowMs: number;
  /** Addresses with a count of their own; further addresses share one count. */
  readonly addresses: number;
}

export const FAILED_ATTEMPTS_LIMITS: FailedAttemptsLimits = {
  failures: 10,
  windowMs: 60_000,
  addresses: 1_024,
};

/** The key of the shared count. */
const SHARED_KEY = '';

interface Count {
  failures: number;
  readonly sinceMs: number;
}

export class FailedAttempts {
  readonly #clock: Clock;
  readonly #limits: FailedAttemptsLimits;
  readonly #counts = new Map<string, Count>();

  constructor(clock: Clock, limits: FailedAttemptsLimits = FAILED_ATTEMPTS_LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Milliseconds for which this address is still blocked; 0 if it is not. */
  blockedForMs(address: string): number {
    const count = this.#counts.get(this.#keyOf(address));
    if (count === undefined || count.failures < this.#limits.failures) return 0;
    return Math.max(0, count.sinceMs + this.#limits.windowMs - this.#clock.nowMs());
  }

  /** Counts a failure. Returns true for the failure that blocks the address, to be logged once. */
  recordFailure(address: string): boolean {
    this.#removeExpired();
    const key = this.#keyOf(address);
    const count = this.#counts.get(key) ?? { failures: 0, sinceMs: this.#clock.nowMs() };
    count.failures += 1;
    this.#counts.set(key, count);
    return count.failures === this.#limits.failures;
  }

  /** Resets the count of an address after a successful authentication. */
  reset(address: string): void {
    if (this.#counts.has(address)) this.#counts.delete(address);
  }

  #keyOf(address: string): string {
    return this.#counts.has(address) || this.#counts.size < this.#limits.addresses ? address : SHARED_KEY;
  }

  #removeExpired(): void {
    const now = this.#clock.nowMs();
    for (const [address, { sinceMs }] of this.#counts) {
      if (now - sinceMs >= this.#limits.windowMs) this.#counts.delete(address);
    }
  }
}
