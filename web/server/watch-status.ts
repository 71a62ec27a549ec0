/**
 * The status of one watched application as its pages show it: state, cause, and the rate of
 * publications. `AppWatch` feeds it with states and counts and sends the result to the pages.
 * Pure: no timers, times come in as parameters.
 */
import type { WatchState, WatchStatus } from '../wire/messages.js';

/** Milliseconds between two measurements of the rate. */
const RATE_INTERVAL_MS = 1_000;

export class WatchStatusTracker {
  #status: WatchStatus;
  /** Count and monotonic time at the last measurement; undefined before the first. */
  #measured: { readonly published: number; readonly monotonicMs: number } | undefined;

  /** `wallMs` is the time of creation, in milliseconds since 1970. */
  constructor(app: string, wallMs: number) {
    this.#status = { app, state: 'connecting', sinceMs: wallMs, rate: 0 };
  }

  get status(): WatchStatus {
    return this.#status;
  }

  /** Returns whether state or cause differ from the previous ones. */
  setState(state: WatchState, cause: string | undefined, wallMs: number): boolean {
    const { cause: previousCause, ...previous } = this.#status;
    if (state === previous.state && cause === previousCause) return false;
    const sinceMs = state === previous.state ? previous.sinceMs : wallMs;
    this.#status = { ...previous, state, sinceMs, ...(cause === undefined ? {} : { cause }) };
    return true;
  }

  /**
   * Measures the rate, in publications per second, at most once a second; returns whether it did.
   * `published` is the mirror's ever-growing count, `dataMs` the time of the newest publication in
   * milliseconds since 1970.
   */
  measureRate(published: number, dataMs: number, monotonicMs: number): boolean {
    const previous = this.#measured;
    const elapsedMs = previous === undefined ? Infinity : monotonicMs - previous.monotonicMs;
    if (elapsedMs < RATE_INTERVAL_MS) return false;
    this.#measured = { published, monotonicMs };
    const increase = previous === undefined ? 0 : Math.max(0, published - previous.published);
    this.#status = { ...this.#status, rate: (increase * 1_000) / elapsedMs, dataMs };
    return true;
  }
}
