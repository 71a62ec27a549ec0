/**
 * The status of one watched application as its pages show it: state, cause, and the rate of
 * publications. `AppWatch` feeds it with states and counts and sends the result to the pages.
 * Pure: no timers, times come in as parameters.
 */
import { ratesBetween, type CounterSample } from '../../protocol/base/rates.js';
import type { WatchState, WatchStatus } from '../wire/application.js';

/** Milliseconds between two measurements of the rate. */
const RATE_INTERVAL_MS = 1_000;

export class WatchStatusTracker {
  #status: WatchStatus;
  /** The count at the last measurement; undefined before the first. */
  #lastSample: CounterSample | undefined;

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
    const last = this.#lastSample;
    if (last !== undefined && monotonicMs - last.atMs < RATE_INTERVAL_MS) return false;
    const sample = { atMs: monotonicMs, counters: { published } };
    this.#lastSample = sample;
    // A mirror that was attached again may count from a lower number: then there is no rate.
    const rate = last === undefined ? 0 : (ratesBetween(last, sample)['published'] ?? 0);
    this.#status = { ...this.#status, rate, dataMs };
    return true;
  }
}
