/**
 * When a mirror requests its next update from SpecTcl. Updates are requested at a steady interval;
 * one that takes long stretches the interval, so that a source spends at most half of its time on
 * updates; while nothing changes the interval grows, and the first change ends that. Used by
 * MirrorSession. Pure: clock readings are passed in.
 */

export interface PaceOptions {
  /** Milliseconds from request to request; 0 is back to back. */
  readonly intervalMs: number;
  /** Longest interval while nothing changes, milliseconds; at least intervalMs. */
  readonly idleIntervalMs: number;
}

/** Largest share of the source's time that updates take, at an interval above 0. */
const UPDATE_SHARE_MAX = 0.5;
/** Updates without a change before the interval grows. */
const UNCHANGED_BEFORE_IDLE = 3;
/** Growth of the interval per further update without a change. */
const IDLE_GROWTH = 1.5;
/** Beyond this exponent the interval is at its longest anyway. */
const IDLE_EXPONENT_MAX = 64;

export class Pace {
  readonly #options: PaceOptions;
  #unchangedUpdates = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /**
   * Nothing has changed for a while, so the interval grows. Never back to back: there every
   * request follows the last at once.
   */
  get idle(): boolean {
    return this.#options.intervalMs > 0 && this.#unchangedUpdates > UNCHANGED_BEFORE_IDLE;
  }

  /** Whether the last update changed anything. */
  note(changed: boolean): void {
    this.#unchangedUpdates = changed ? 0 : this.#unchangedUpdates + 1;
  }

  /**
   * Clock reading at which the next request is due. `requestedMs` and `receivedMs` are the readings
   * at the last request and at the end of its reply. Counting from the request, not from the reply,
   * keeps the pace steady.
   */
  nextRequestMs(requestedMs: number, receivedMs: number): number {
    const { intervalMs, idleIntervalMs } = this.#options;
    if (intervalMs === 0) return requestedMs;
    const idleUpdates = Math.max(0, this.#unchangedUpdates - UNCHANGED_BEFORE_IDLE);
    const grownMs = intervalMs * IDLE_GROWTH ** Math.min(idleUpdates, IDLE_EXPONENT_MAX);
    const updateMs = receivedMs - requestedMs;
    return requestedMs + Math.max(intervalMs, Math.min(grownMs, idleIntervalMs), updateMs / UPDATE_SHARE_MAX);
  }
}
