/**
 * Delays between attempts to connect: each is longer than the one before, up to a bound, and
 * jittered, so that many clients of one server do not all reconnect at the same moment. Used
 * wherever a connection is retried: sources, permanent connections, hosts, the port manager. Pure:
 * the caller waits.
 */
export interface BackoffLimits {
  /** Bound of the first delay. */
  readonly firstMs: number;
  /** Bound of every later delay. */
  readonly maxMs: number;
}

/**
 * For a source that is unreachable. The longest delay is how long a display waits after its source
 * has returned; an attempt costs an unreachable source nothing.
 */
export const SOURCE_BACKOFF: BackoffLimits = { firstMs: 40, maxMs: 500 };
/**
 * For a source whose spectrum bindings change faster than they can be read: each reopened
 * connection costs the source the transfer of its whole memory.
 */
export const REOPEN_BACKOFF: BackoffLimits = { firstMs: 5, maxMs: 1_000 };

export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: () => number;
  #failures = 0;

  /** `random` returns a number from 0 to below 1, like Math.random. */
  constructor(limits: BackoffLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
  }

  /**
   * Counts a failure and returns the delay until the next attempt in milliseconds: half to all of a
   * bound that doubles with each failure.
   */
  next(): number {
    const bound = Math.min(this.#limits.firstMs * 2 ** Math.min(this.#failures, 30), this.#limits.maxMs);
    this.#failures += 1;
    return bound * (0.5 + this.#random() / 2);
  }

  /** After a success: the next delay is a first one again. */
  reset(): void {
    this.#failures = 0;
  }
}
