/**
 * The values of one trend in bounded memory: ten minutes of seconds, six hours of ten seconds, two
 * days of minutes (63 KiB). `TrendSeries` feeds it and reads it. Pure.
 *
 *     level     one slot   slots   covers       a slot has
 *     seconds       1 s      600   10 minutes   mean, lowest and highest
 *     tens         10 s    2,160   6 hours      of the values within it;
 *     minutes      60 s    2,880   2 days       NaN without any
 *
 * Slots are numbered since 1970: the slot n of a level covers the time from n times its width on.
 */

export interface TrendPoint {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export interface TimedPoint extends TrendPoint {
  readonly atMs: number;
}

/** Values of one slot; NaN in single precision, as in files. */
export const NO_POINT: TrendPoint = { mean: Number.NaN, low: Number.NaN, high: Number.NaN };

export const LEVELS = {
  seconds: { widthMs: 1_000, slots: 600 },
  tens: { widthMs: 10_000, slots: 2_160 },
  minutes: { widthMs: 60_000, slots: 2_880 },
} as const;
export type LevelName = keyof typeof LEVELS;

export class TrendLevel {
  readonly widthMs: number;
  readonly #slots: number;
  readonly #mean: Float32Array;
  readonly #low: Float32Array;
  readonly #high: Float32Array;
  /** The newest slot that has been set; slots of the ring before it are valid. */
  #newest: number | undefined;

  constructor({ widthMs, slots }: { readonly widthMs: number; readonly slots: number }) {
    this.widthMs = widthMs;
    this.#slots = slots;
    this.#mean = new Float32Array(slots).fill(Number.NaN);
    this.#low = new Float32Array(slots).fill(Number.NaN);
    this.#high = new Float32Array(slots).fill(Number.NaN);
  }

  /** Sets a slot that is newer than all others; an older one is ignored: a clock was set back. */
  set(slot: number, point: TrendPoint): void {
    const { mean, low, high } = point;
    if (this.#newest !== undefined) {
      if (slot <= this.#newest) return;
      const first = Math.max(this.#newest + 1, slot - this.#slots + 1);
      for (let skipped = first; skipped < slot; skipped += 1) this.#write(skipped, NO_POINT);
    }
    this.#newest = slot;
    this.#write(slot, { mean, low, high });
  }

  /** The slots with values whose start is in `fromMs` to `toMs`, oldest first. */
  points(fromMs: number, toMs: number): TimedPoint[] {
    const newest = this.#newest;
    if (newest === undefined) return [];
    const first = Math.max(Math.ceil(fromMs / this.widthMs), newest - this.#slots + 1);
    const last = Math.min(Math.floor(toMs / this.widthMs), newest);
    const points: TimedPoint[] = [];
    for (let slot = first; slot <= last; slot += 1) {
      const at = slot % this.#slots;
      const mean = this.#mean[at] ?? Number.NaN;
      if (Number.isNaN(mean)) continue;
      points.push({
        atMs: slot * this.widthMs,
        mean,
        low: this.#low[at] ?? mean,
        high: this.#high[at] ?? mean,
      });
    }
    return points;
  }

  #write(slot: number, { mean, low, high }: TrendPoint): void {
    const at = slot % this.#slots;
    this.#mean[at] = mean;
    this.#low[at] = low;
    this.#high[at] = high;
  }
}
