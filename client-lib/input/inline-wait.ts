/**
 * How an inline flow waits for its next buffer: spinning on the published word, a request for a
 * signal, a later look, or the thread blocked. Used by InlineEngine. Starts timers and blocks the
 * calling thread.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { ReadingPosition } from './reading-position.js';
import { napUntil, spinUntil } from './ring-wait.js';

/** A blocking take spins at least so long: most buffers of a fast flow arrive within it. */
const SPIN_MIN_US = 50;
/**
 * While borrowed buffers are unacknowledged, a duplicator answers every request for a signal at
 * once; so the ring is polled with this period instead.
 */
const BORROWED_POLL_MS = 1;

export class InlineWait {
  readonly #position: ReadingPosition;
  readonly #hasNew: () => boolean;
  readonly #onReady: () => void;
  readonly #spinUs: number;
  readonly #clock: Clock;
  /** `arm` was called, `onReady` is due. */
  #isArmed = false;
  #cancelTimer: (() => void) | undefined;

  /** `hasNew`: whether the ring has something new; `onReady`: called once after each `arm`. */
  constructor(
    position: ReadingPosition,
    hasNew: () => boolean,
    onReady: () => void,
    spinUs: number,
    clock: Clock,
  ) {
    this.#position = position;
    this.#hasNew = hasNew;
    this.#onReady = onReady;
    this.#spinUs = spinUs;
    this.#clock = clock;
  }

  /**
   * `onReady` is called for the next buffer. `isLinked`: the duplicator can be asked for a signal.
   */
  arm(isLinked: boolean): void {
    if (this.#spinUs > 0 && spinUntil(this.#hasNew, this.#spinUs, this.#clock)) this.readyAfter(0);
    else if (isLinked && !this.#position.arm()) this.readyAfter(BORROWED_POLL_MS);
  }

  /** `onReady` is due as soon as there is a buffer. */
  expect(): void {
    this.#isArmed = true;
  }

  /** Blocks this thread until the ring has something new, up to `timeoutMs`. */
  block(timeoutMs: number): void {
    const until = this.#clock.nowMs() + timeoutMs;
    const spinUs = Math.min(Math.max(this.#spinUs, SPIN_MIN_US), timeoutMs * 1000);
    if (spinUntil(this.#hasNew, spinUs, this.#clock)) return;
    this.#position.acknowledge();
    napUntil(this.#hasNew, until, this.#clock);
  }

  /** The ring may have a buffer. */
  ready(): void {
    if (!this.#isArmed) return;
    this.#isArmed = false;
    this.#onReady();
  }

  readyAfter(delayMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(delayMs, () => this.ready());
  }

  close(): void {
    this.#cancelTimer?.();
  }
}
