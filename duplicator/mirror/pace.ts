/**
 * The pace of a mirror: pure policy. Updates are requested at a steady interval; one that takes
 * long stretches it, so that the source is never asked more than a stated share of its time; while
 * nothing changes the interval grows, and the first change ends that.
 */

export interface PaceOptions {
  /** Wanted milliseconds from request to request; 0 is back to back. */
  readonly intervalMs: number;
  /** Longest interval while nothing changes, milliseconds; at least intervalMs. */
  readonly idleIntervalMs: number;
}

/**
 * At an interval above 0, an update may take this share of the time at most: a slow source is asked
 * less often.
 */
const MAX_SHARE = 0.5;
/** Updates without a change before the pace slows down. */
const CALM_UPDATES = 3;
/** Growth of the interval per further update without a change. */
const CALM_GROWTH = 1.5;

export class Pace {
  readonly #options: PaceOptions;
  #unchanged = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /**
   * Nothing has changed for a while: the interval grows. Never back to back, where whoever asked
   * for it gets it.
   */
  get calm(): boolean {
    return this.#options.intervalMs > 0 && this.#unchanged > CALM_UPDATES;
  }

  /** What the last update brought. */
  note(changed: boolean): void {
    this.#unchanged = changed ? 0 : this.#unchanged + 1;
  }

  /**
   * When to request next. `requestedMs` and `receivedMs` are clock readings of the last request and
   * of the end of its reply. Counting from the request, not from the reply, keeps the pace steady.
   */
  nextRequestMs(requestedMs: number, receivedMs: number): number {
    const { intervalMs, idleIntervalMs } = this.#options;
    if (intervalMs === 0) return requestedMs;
    const calm = Math.max(0, this.#unchanged - CALM_UPDATES);
    const grown = calm === 0 ? intervalMs : intervalMs * CALM_GROWTH ** Math.min(calm, 64);
    const took = receivedMs - requestedMs;
    return requestedMs + Math.max(intervalMs, Math.min(grown, idleIntervalMs), took / MAX_SHARE);
  }
}
