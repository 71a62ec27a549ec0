/**
 * Delays between attempts to reach a source that is away: growing, bounded, jittered so that many
 * mirrors do not return as one. Pure.
 */
export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * For a source that is away. The longest delay is what a display waits after its source is back,
 * and an attempt costs a source that is away nothing.
 */
export const SOURCE_BACKOFF: BackoffLimits = { firstMs: 40, maxMs: 500 };
/**
 * For one whose bindings change faster than they can be read: a reopened connection costs it a
 * whole update.
 */
export const REOPEN_BACKOFF: BackoffLimits = { firstMs: 5, maxMs: 1_000 };

export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: () => number;
  #failures = 0;

  /** `random` gives 0 to below 1. */
  constructor(limits: BackoffLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
  }

  /** The delay after one more failure, milliseconds: between half and all of the doubled bound. */
  next(): number {
    const bound = Math.min(this.#limits.firstMs * 2 ** Math.min(this.#failures, 30), this.#limits.maxMs);
    this.#failures += 1;
    return bound * (0.5 + this.#random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
