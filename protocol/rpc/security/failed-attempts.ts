/**
 * Bounds how often somebody may fail to prove himself: after so many failures within a window an
 * address is not listened to until the window is over. Pure: time comes in. Memory is bounded
 * whatever number of addresses there is.
 */
import type { Clock } from '../../base/clock.js';

export interface FailedAttemptsLimits {
  /** Failures of one address within the window; then it is refused unheard. */
  readonly failures: number;
  readonly windowMs: number;
  /** Addresses that are remembered; beyond that, new ones share one count. */
  readonly addresses: number;
}

export const FAILED_ATTEMPTS_LIMITS: FailedAttemptsLimits = {
  failures: 10,
  windowMs: 60_000,
  addresses: 1_024,
};

/** Stands for all addresses for which there is no room. */
const OTHERS = '';

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

  /** Milliseconds for which this address is refused unheard; 0 when it may try. */
  refusedForMs(address: string): number {
    const count = this.#counts.get(this.#keyOf(address));
    if (count === undefined || count.failures < this.#limits.failures) return 0;
    return Math.max(0, count.sinceMs + this.#limits.windowMs - this.#clock.nowMs());
  }

  /** Counts a failure. True for the one that closes the door, which is worth a line in the log. */
  failed(address: string): boolean {
    this.#forget();
    const key = this.#keyOf(address);
    const count = this.#counts.get(key) ?? { failures: 0, sinceMs: this.#clock.nowMs() };
    count.failures += 1;
    this.#counts.set(key, count);
    return count.failures === this.#limits.failures;
  }

  /** Whoever has proved himself begins anew. */
  succeeded(address: string): void {
    if (this.#counts.has(address)) this.#counts.delete(address);
  }

  #keyOf(address: string): string {
    return this.#counts.has(address) || this.#counts.size < this.#limits.addresses ? address : OTHERS;
  }

  #forget(): void {
    const now = this.#clock.nowMs();
    for (const [address, { sinceMs }] of this.#counts) {
      if (now - sinceMs >= this.#limits.windowMs) this.#counts.delete(address);
    }
  }
}
