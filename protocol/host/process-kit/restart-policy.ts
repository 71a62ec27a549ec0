/**
 * When a child that died is started again: at once the first time, then at growing intervals from
 * one start to the next, and no more after too many deaths in too short a time. A child that has
 * lived for the interval is started at once too: only a crash loop is slowed down. Supervisors use
 * it. Pure: the time is a parameter.
 */
export interface RestartLimits {
  /** Restarts within the window; the next death is final. */
  readonly maxRestarts: number;
  readonly windowMs: number;
  /**
   * Least time from a start to the next one after the second death in the window; doubled with each
   * further one.
   */
  readonly firstIntervalMs: number;
  readonly maxIntervalMs: number;
}

export const CHILD_RESTART_LIMITS: RestartLimits = {
  maxRestarts: 8,
  windowMs: 30_000,
  firstIntervalMs: 50,
  maxIntervalMs: 2_000,
};

export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number }
  | { readonly kind: 'give-up'; readonly deaths: number };

export class RestartPolicy {
  readonly #limits: RestartLimits;
  #deaths: number[] = [];
  /** Time of the last start, milliseconds. */
  #startMs = Number.NEGATIVE_INFINITY;

  constructor(limits: RestartLimits = CHILD_RESTART_LIMITS) {
    this.#limits = limits;
  }

  died(nowMs: number): RestartDecision {
    const { maxRestarts, windowMs, firstIntervalMs, maxIntervalMs } = this.#limits;
    this.#deaths = this.#deaths.filter((at) => nowMs - at < windowMs);
    const recent = this.#deaths.length;
    this.#deaths.push(nowMs);
    if (recent >= maxRestarts) return { kind: 'give-up', deaths: recent + 1 };
    const intervalMs = recent === 0 ? 0 : Math.min(firstIntervalMs * 2 ** (recent - 1), maxIntervalMs);
    this.#startMs = Math.max(nowMs, this.#startMs + intervalMs);
    return { kind: 'restart', delayMs: this.#startMs - nowMs };
  }

  /** Forgets earlier deaths, for a start that was requested. */
  reset(): void {
    this.#deaths = [];
    this.#startMs = Number.NEGATIVE_INFINITY;
  }
}
