/**
 * When a mirror requests its next update from SpecTcl. The interval from request to request either
 * is fixed or follows the source: each of its threads, the one that sends updates and the one that
 * answers REST, spends a stated share of its time on the mirror. An update that takes long
 * stretches the interval, so that a source never spends more than half of its time on updates;
 * while nothing changes the interval grows, and the first change ends that. Used by MirrorSession.
 * Pure: clock readings are passed in.
 */

export interface PaceOptions {
  /**
   * Milliseconds from request to request, at most where it follows the source; 0 is back to back.
   */
  readonly intervalMs: number;
  /** Longest interval while nothing changes, milliseconds; at least intervalMs. */
  readonly idleIntervalMs: number;
  /** Share of the source's time that the interval aims at, 0 to 1; 0: the interval is fixed. */
  readonly sourceShare: number;
}

/** Largest share of the source's time that updates take, at an interval above 0. */
const UPDATE_SHARE_MAX = 0.5;
/** Shortest interval that follows the source, milliseconds: no viewer shows more. */
const FOLLOWING_INTERVAL_MIN_MS = 5;
/** Times of the source from which the interval is computed. */
const MEASUREMENTS = 16;
/** Updates without a change before the interval grows. */
const UNCHANGED_BEFORE_IDLE = 3;
/** Growth of the interval per further update without a change. */
const IDLE_GROWTH = 1.5;
/** Beyond this exponent the interval is at its longest anyway. */
const IDLE_EXPONENT_MAX = 64;

export class Pace {
  readonly #options: PaceOptions;
  #unchangedUpdates = 0;
  readonly #replyMs = new TypicalTime();
  readonly #answerMs = new TypicalTime();

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

  /** The source spent `milliseconds` on an update without the display header. */
  noteReply(milliseconds: number): void {
    this.#replyMs.note(milliseconds);
  }

  /** REST took `milliseconds` to answer what each changed update asks. */
  noteAnswer(milliseconds: number): void {
    this.#answerMs.note(milliseconds);
  }

  /**
   * Clock reading at which the next request is due. `requestedMs` and `receivedMs` are the readings
   * at the last request and at the end of its reply. Counting from the request, not from the reply,
   * keeps the pace steady.
   */
  nextRequestMs(requestedMs: number, receivedMs: number): number {
    const { intervalMs, idleIntervalMs } = this.#options;
    if (intervalMs === 0) return requestedMs;
    const busyMs = this.#busyIntervalMs;
    const idleUpdates = Math.max(0, this.#unchangedUpdates - UNCHANGED_BEFORE_IDLE);
    const grownMs = busyMs * IDLE_GROWTH ** Math.min(idleUpdates, IDLE_EXPONENT_MAX);
    const updateMs = receivedMs - requestedMs;
    return requestedMs + Math.max(busyMs, Math.min(grownMs, idleIntervalMs), updateMs / UPDATE_SHARE_MAX);
  }

  /** The interval while the source changes. */
  get #busyIntervalMs(): number {
    const { intervalMs, sourceShare } = this.#options;
    const sourceMs = Math.max(this.#replyMs.value ?? Infinity, this.#answerMs.value ?? 0);
    if (sourceShare === 0) return intervalMs;
    return Math.min(intervalMs, Math.max(FOLLOWING_INTERVAL_MIN_MS, sourceMs / sourceShare));
  }
}

/**
 * What the newest times have in common: their lower quartile. Longer times are mostly waits for a
 * processor or the network, which cost the source nothing.
 */
class TypicalTime {
  readonly #newest: number[] = [];
  /** Milliseconds; undefined before the first measurement. */
  value: number | undefined;

  note(milliseconds: number): void {
    this.#newest.push(milliseconds);
    if (this.#newest.length > MEASUREMENTS) this.#newest.shift();
    this.value = this.#newest.toSorted((a, b) => a - b)[Math.floor(this.#newest.length / 4)];
  }
}
