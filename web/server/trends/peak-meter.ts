/**
 * The centroid of a peak over time: fits the counts that a region has gained within the last
 * minute, every ten seconds. `TrendSampler` has one per trend of a peak. Pure: times and counts
 * come in as parameters. All counts since the start would hide a movement.
 */
import { fitSpectrum } from '../../../analysis/fit/fit-spectrum.js';
import { isMirrorflowError } from '../../../protocol/base/errors.js';

export interface Centroid {
  /** In units of the axis. */
  readonly value: number;
  /** One standard deviation. */
  readonly error: number;
}

/** The counts of a region, in units of the axis: channel i covers low + i·width and so on. */
export interface RegionCounts {
  readonly counts: ArrayLike<number>;
  readonly low: number;
  readonly width: number;
}

interface Kept {
  readonly atMs: number;
  readonly counts: Float64Array;
}

const FIT_INTERVAL_MS = 10_000;
const WINDOW_MS = 60_000;
/** Fewer counts do not determine a peak and its background. */
const COUNTS_MIN = 100;

export class PeakMeter {
  #kept: Kept[] = [];

  isDue(nowMs: number): boolean {
    const last = this.#kept.at(-1)?.atMs ?? -Infinity;
    return nowMs - last >= FIT_INTERVAL_MS || nowMs < last;
  }

  /** Undefined without enough new counts, and for counts that no peak describes. */
  measure({ counts, low, width }: RegionCounts, nowMs: number): Centroid | undefined {
    const copy = Float64Array.from(counts);
    const last = this.#kept.at(-1);
    // Cleared, or other axes: the earlier counts cannot be compared.
    const isComparable = last?.counts.length === copy.length && last.counts.every((n, i) => n <= copy[i]!);
    if (!isComparable || nowMs < last.atMs) this.#kept = [];
    const earlier = this.#kept.find(({ atMs }) => nowMs - atMs <= WINDOW_MS);
    this.#kept = [
      ...this.#kept.filter(({ atMs }) => nowMs - atMs <= WINDOW_MS),
      { atMs: nowMs, counts: copy },
    ];
    if (earlier === undefined) return undefined;
    return centroidOf({ counts: copy.map((count, i) => count - (earlier.counts[i] ?? 0)), low, width });
  }

  reset(): void {
    this.#kept = [];
  }
}

function centroidOf(gained: RegionCounts & { readonly counts: Float64Array }): Centroid | undefined {
  const { counts, low, width } = gained;
  if (counts.reduce((sum, count) => sum + count, 0) < COUNTS_MIN) return undefined;
  try {
    const { converged, peaks } = fitSpectrum(gained, { range: { low, high: low + counts.length * width } });
    const [peak] = peaks;
    const { value, error } = peak?.centroid ?? {};
    if (!converged || value === undefined || error === undefined || !(error > 0)) return undefined;
    return { value, error };
  } catch (error) {
    // Too few channels for a fit, as after a change of the spectrum.
    if (isMirrorflowError(error, 'BAD_OPTION')) return undefined;
    throw error;
  }
}
