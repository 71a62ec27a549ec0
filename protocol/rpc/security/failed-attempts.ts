/**
 * Limits failed attempts to authenticate: after a number of failures within a time window, an
 * address (in IPv6 its /64) is blocked until the window ends; then counting begins again. Hosts of
 * the configuration are never blocked. Used by the HTTP server, the gate for other hosts, the
 * listener of a duplicator and the sign-in of the web viewer. Pure: the clock is a parameter;
 * memory is bounded for any number of addresses, of which the one counted first is forgotten.
 */
import type { Clock } from '../../base/clock.js';
import { addressKey } from './peer-addresses.js';

export interface FailedAttemptsLimits {
  /** Failures within the window after which an address is blocked. */
  readonly failures: number;
  /** From the first failure of an address. */
  readonly windowMs: number;
  /** Addresses that are counted at the same time. */
  readonly addresses: number;
}

export const FAILED_ATTEMPTS_LIMITS: FailedAttemptsLimits = {
  failures: 10,
  windowMs: 60_000,
  addresses: 1_024,
};

interface Count {
  failures: number;
  readonly sinceMs: number;
}

export class FailedAttempts {
  readonly #clock: Clock;
  readonly #limits: FailedAttemptsLimits;
  readonly #isExempt: (address: string) => boolean;
  /** In the order of their first failure. */
  readonly #counts = new Map<string, Count>();

  /** `isExempt`: whether an address is never blocked. */
  constructor(
    clock: Clock,
    limits: FailedAttemptsLimits = FAILED_ATTEMPTS_LIMITS,
    isExempt: (address: string) => boolean = () => false,
  ) {
    this.#clock = clock;
    this.#limits = limits;
    this.#isExempt = isExempt;
  }

  /** Milliseconds for which this address is still blocked; 0 if it is not. */
  blockedForMs(address: string): number {
    const count = this.#counts.get(addressKey(address));
    if (count === undefined || count.failures < this.#limits.failures || this.#isExempt(address)) return 0;
    return Math.max(0, count.sinceMs + this.#limits.windowMs - this.#clock.nowMs());
  }

  /** Counts a failure. Returns true for the failure that blocks the address, to be logged once. */
  recordFailure(address: string): boolean {
    const nowMs = this.#clock.nowMs();
    this.#forgetExpired(nowMs);
    const key = addressKey(address);
    const known = this.#counts.get(key);
    if (known === undefined && this.#counts.size >= this.#limits.addresses) this.#forgetOldest();
    const count = known ?? { failures: 0, sinceMs: nowMs };
    count.failures += 1;
    this.#counts.set(key, count);
    return count.failures === this.#limits.failures && !this.#isExempt(address);
  }

  /** Resets the count of an address after a successful authentication. */
  reset(address: string): void {
    this.#counts.delete(addressKey(address));
  }

  /** Without it, an address would be blocked once and could guess without limit afterwards. */
  #forgetExpired(nowMs: number): void {
    for (const [address, { sinceMs }] of this.#counts) {
      if (nowMs - sinceMs < this.#limits.windowMs) return;
      this.#counts.delete(address);
    }
  }

  #forgetOldest(): void {
    for (const address of this.#counts.keys()) {
      this.#counts.delete(address);
      return;
    }
  }
}
