/**
 * Earlier counts of one spectrum, for the counts of the last 1, 10 or 60 seconds: one sample a
 * second for the last dozen seconds, one in five before that. Samples without a change between them
 * share one copy of the counts. `SpectrumCache` records, `frames.ts` reads. Pure: times come in as
 * parameters, monotonic milliseconds but for those of publications.
 */
import type { RateWindow } from '../wire/subscription.js';
import type { Values } from '../wire/frame.js';

export interface HistorySample {
  /** When the sample was taken. */
  readonly atMs: number;
  /** When the source published these counts, in milliseconds since 1970. */
  readonly publishedMs: number;
  readonly values: Values;
}

/** Samples younger than this are all kept, older ones one per `COARSE_STEP_MS`. */
const FINE_MS = 12_500;
const COARSE_STEP_MS = 5_000;
/** A rate window of 60 s, and a coarse step for the sample before it. */
const KEPT_MS = 66_000;
/** Samples are never closer than this; the caller may ask more often. */
export const HISTORY_STEP_MS = 1_000;
/** A timer that fires this much early still counts as one step. */
const STEP_TOLERANCE_MS = 60;

export class SpectrumHistory {
  #samples: HistorySample[] = [];

  /** Whether the next sample may be recorded. */
  isDue(nowMs: number): boolean {
    const newest = this.#samples.at(-1);
    return newest === undefined || nowMs - newest.atMs >= HISTORY_STEP_MS - STEP_TOLERANCE_MS;
  }

  /**
   * Records a sample. `publishedMs`: when the source published it. `changed`: the counts differ
   * from those of the previous sample; then `copy` is called, and the history keeps its result.
   */
  record(nowMs: number, publishedMs: number, changed: boolean, copy: () => Values): void {
    const newest = this.#samples.at(-1);
    const values = newest !== undefined && !changed ? newest.values : copy();
    this.#samples.push({ atMs: nowMs, publishedMs, values });
    this.#dropOld(nowMs);
  }

  /**
   * The sample that is closest to `windowS` seconds ago; the oldest one while none is that old.
   * Undefined without any.
   */
  sampleBefore(windowS: RateWindow, nowMs: number): HistorySample | undefined {
    const targetMs = nowMs - windowS * 1_000;
    const distance = ({ atMs }: HistorySample): number => Math.abs(atMs - targetMs);
    let best: HistorySample | undefined;
    for (const sample of this.#samples) {
      if (best === undefined || distance(sample) <= distance(best)) best = sample;
    }
    return best;
  }

  clear(): void {
    this.#samples = [];
  }

  /** Bytes of all kept counts; shared copies count once. */
  get bytes(): number {
    const copies = new Set(this.#samples.map(({ values }) => values));
    let bytes = 0;
    for (const values of copies) bytes += values.byteLength;
    return bytes;
  }

  #dropOld(nowMs: number): void {
    let lastKeptMs = -Infinity;
    this.#samples = this.#samples.filter(({ atMs }) => {
      const ageMs = nowMs - atMs;
      if (ageMs > KEPT_MS) return false;
      if (ageMs > FINE_MS && atMs - lastKeptMs < COARSE_STEP_MS - STEP_TOLERANCE_MS) return false;
      lastKeptMs = atMs;
      return true;
    });
  }
}
