/**
 * Earlier counts of one spectrum, for what came in during the last 1, 10 or 60 seconds: one look a
 * second for the last dozen seconds, one in five before that. A spectrum that did not change costs
 * nothing: the same counts stand for several moments. Pure; it is told the time.
 */
import type { RateWindow } from '../wire/messages.js';
import type { Values } from '../wire/frame.js';

export interface HistorySample {
  readonly atMs: number;
  readonly values: Values;
}

const FINE_MS = 12_500;
const COARSE_STEP_MS = 5_000;
const KEPT_MS = 66_000;
/** Looks are never closer than this; the caller may come more often. */
export const HISTORY_STEP_MS = 1_000;
const STEP_TOLERANCE_MS = 60;

export class SpectrumHistory {
  #moments: HistorySample[] = [];

  /** Whether it is time for the next look. */
  isDue(nowMs: number): boolean {
    const newest = this.#moments.at(-1);
    return newest === undefined || nowMs - newest.atMs >= HISTORY_STEP_MS - STEP_TOLERANCE_MS;
  }

  /**
   * `copy` is called when the counts differ from those of the look before (`changed`); what it
   * gives is kept.
   */
  record(nowMs: number, changed: boolean, copy: () => Values): void {
    const newest = this.#moments.at(-1);
    const values = newest !== undefined && !changed ? newest.values : copy();
    this.#moments.push({ atMs: nowMs, values });
    this.#thin(nowMs);
  }

  /**
   * The look that is closest to `windowS` seconds ago; the oldest one while there is none that old.
   * Undefined without any.
   */
  sampleBefore(windowS: RateWindow, nowMs: number): HistorySample | undefined {
    const wanted = nowMs - windowS * 1_000;
    let best: HistorySample | undefined;
    for (const moment of this.#moments) {
      if (best === undefined || Math.abs(moment.atMs - wanted) <= Math.abs(best.atMs - wanted)) best = moment;
    }
    return best;
  }

  clear(): void {
    this.#moments = [];
  }

  /** Bytes of the counts it keeps. */
  get bytes(): number {
    const kept = new Set(this.#moments.map(({ values }) => values));
    let bytes = 0;
    for (const values of kept) bytes += values.byteLength;
    return bytes;
  }

  #thin(nowMs: number): void {
    let lastKeptMs = -Infinity;
    this.#moments = this.#moments.filter(({ atMs }) => {
      const age = nowMs - atMs;
      if (age > KEPT_MS) return false;
      if (age > FINE_MS && atMs - lastKeptMs < COARSE_STEP_MS - STEP_TOLERANCE_MS) return false;
      lastKeptMs = atMs;
      return true;
    });
  }
}
