/**
 * The system's clock, on which limits of patience end when the test says so: a slow machine reaches
 * none of them by itself. Short delays, which are paces, run as always.
 */
import { systemClock, type Clock } from '../../../protocol/base/clock.js';

/** A delay of this length or more is a limit. */
const LIMIT_MS = 10_000;

interface Limit {
  readonly action: () => void;
  /** It ran already when the test looked last. */
  seen: boolean;
}

export class LimitClock implements Clock {
  readonly #limits = new Set<Limit>();

  nowMs(): number {
    return systemClock.nowMs();
  }

  after(delayMs: number, action: () => void, background?: boolean): () => void {
    if (delayMs < LIMIT_MS) return systemClock.after(delayMs, action, background);
    const limit = { action, seen: false };
    this.#limits.add(limit);
    return () => void this.#limits.delete(limit);
  }

  /**
   * Ends the limits that ran at the call before this one already, so that whoever answers at once
   * is in time.
   */
  endPatience(): void {
    for (const limit of this.#limits) {
      if (!limit.seen) limit.seen = true;
      else if (this.#limits.delete(limit)) limit.action();
    }
  }
}
