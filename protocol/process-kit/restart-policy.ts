/**
 * When a child that died is started again: at once the first time, then with growing delays, and not any more after too many deaths in
 * too short a time. Pure: it is told the time.
 */
export interface RestartLimits {
  /** Deaths within the window after which the child is given up. */
  readonly maxRestarts: number;
  readonly windowMs: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

export const CHILD_RESTART_LIMITS: RestartLimits = {
  maxRestarts: 8,
  windowMs: 30_000,
  firstDelayMs: 50,
  maxDelayMs: 2_000,
};

export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number }
  | { readonly kind: 'give-up'; readonly deaths: number };

export class RestartPolicy {
  readonly #limits: RestartLimits;
  #deaths: number[] = [];

  constructor(limits: RestartLimits = CHILD_RESTART_LIMITS) {
    this.#limits = limits;
  }

  died(nowMs: number): RestartDecision {
    const { maxRestarts, windowMs, firstDelayMs, maxDelayMs } = this.#limits;
    this.#deaths = this.#deaths.filter((at) => nowMs - at < windowMs);
    const recent = this.#deaths.length;
    this.#deaths.push(nowMs);
    if (recent >= maxRestarts) return { kind: 'give-up', deaths: recent + 1 };
    return {
      kind: 'restart',
      delayMs: recent === 0 ? 0 : Math.min(firstDelayMs * 2 ** (recent - 1), maxDelayMs),
    };
  }

  /** A start that somebody asked for forgets the past. */
  reset(): void {
    this.#deaths = [];
  }
}
