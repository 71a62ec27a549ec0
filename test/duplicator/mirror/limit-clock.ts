/**
 * The system's clock with manual time limits: a delay of LIMIT_MS or more ends only when the test
 * expires it, so that a slow machine reaches no limit by itself. Shorter delays, which pace the
 * requests, run as always. Used by SourceRig.
 */
import { systemClock, type Clock } from '../../../protocol/base/clock.js';

/** A delay of this length or more is a limit. */
const LIMIT_MS = 10_000;

interface Limit {
  readonly action: () => void;
  wasRunningAtLastExpiry: boolean;
}

export class LimitClock implements Clock {
  readonly #limits = new Set<Limit>();
  #advancedMs = 0;

  nowMs(): number {
    return systemClock.nowMs() + this.#advancedMs;
  }

  /**
   * Makes everything that is due within `milliseconds` due now; delays that run are not affected.
   */
  advance(milliseconds: number): void {
    this.#advancedMs += milliseconds;
  }

  after(delayMs: number, action: () => void, background?: boolean): () => void {
    if (delayMs < LIMIT_MS) return systemClock.after(delayMs, action, background);
    const limit = { action, wasRunningAtLastExpiry: false };
    this.#limits.add(limit);
    return () => void this.#limits.delete(limit);
  }

  /** Ends the limits that were running at the call before too: an immediate answer is in time. */
  expireLimits(): void {
    for (const limit of this.#limits) {
      if (!limit.wasRunningAtLastExpiry) limit.wasRunningAtLastExpiry = true;
      else if (this.#limits.delete(limit)) limit.action();
    }
  }
}
