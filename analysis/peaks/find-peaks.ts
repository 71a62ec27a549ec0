/**
 * Finds the peaks of a 1-D spectrum: local maxima of the smoothed second difference above a
 * threshold, at the width that the peaks of this spectrum have, and doublets. `mirrorflow peaks`,
 * the page and the web server call it. Pure.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { channelsBetween, type AxisRange, type Channels } from '../channels.js';
import { FWHM_PER_SIGMA } from '../fit/start-values.js';
import { lowestBetween, significantMaxima, type PeakCandidate } from './second-difference.js';

export interface PeakSearchOptions {
  /** Default: the whole axis. */
  readonly range?: AxisRange;
  /** Significance in standard deviations from which a peak counts; default 5. */
  readonly threshold?: number;
  /** The width of the peaks in units of the axis; default: that of the most significant peak. */
  readonly fwhm?: number;
}

export interface PeakMark {
  /** In units of the axis. */
  readonly centroid: number;
  /** The width that the search worked with, in units of the axis. */
  readonly fwhm: number;
  /** In standard deviations. */
  readonly significance: number;
}

export const PEAK_SEARCH = { threshold: 5, thresholdMin: 2, thresholdMax: 1_000, peaksMax: 500 } as const;
/**
 * Filters that look for the width of the peaks: their standard deviations in channels, each
 * `factor` times the one before.
 */
const FIRST_SIGMAS = { min: 0.7, factor: 1.5, max: 200 };
/** Widest filter, standard deviation as a part of the range: it reaches 4 of them to each side. */
const FILTER_PART_MAX = 1 / 10;
/** Filters of the search, in parts of the width of the peaks, which varies over an axis. */
const FILTER_PARTS = [0.5, 0.7, 1, 1.4];
/** Filters that look for a doublet, in parts of the width of the peak. */
const DOUBLET_PARTS = [0.6, 0.45, 0.3];
/** Depth of the valley of a doublet below its lower maximum, at least, in standard deviations. */
const VALLEY_DEVIATIONS = 4;
/**
 * Least distance of two peaks: in standard deviations of the peaks of this spectrum, and in those
 * of the narrower of the filters that found them.
 */
const APART_SIGMAS = { usual: 1.7, filter: 1.7 };

/**
 * The peaks in ascending order; of more than 500 the most significant ones. Throws BAD_OPTION for a
 * threshold, width or range that cannot be used.
 */
export function findPeaks(channels: Channels, options: PeakSearchOptions = {}): PeakMark[] {
  const { threshold = PEAK_SEARCH.threshold } = options;
  checkOptions(options, threshold);
  const part = options.range === undefined ? channels : channelsBetween(channels, options.range);
  const { counts, low, width } = part;
  const sigma =
    options.fwhm === undefined ? usualSigma(counts, threshold) : options.fwhm / FWHM_PER_SIGMA / width;
  if (sigma === undefined) return [];
  const candidates = FILTER_PARTS.flatMap((filter) => significantMaxima(counts, filter * sigma, threshold));
  const peaks = keepApart(candidates, () => APART_SIGMAS.usual * sigma).flatMap((peak) =>
    splitDoublet(counts, peak, sigma, threshold),
  );
  return keepApart(peaks, (one, other) => APART_SIGMAS.filter * Math.min(one.sigma, other.sigma))
    .slice(0, PEAK_SEARCH.peaksMax)
    .map(({ channel, significance }) => ({
      centroid: low + channel * width,
      fwhm: FWHM_PER_SIGMA * sigma * width,
      significance,
    }))
    .sort((one, other) => one.centroid - other.centroid);
}

function checkOptions({ fwhm }: PeakSearchOptions, threshold: number): void {
  const { thresholdMin, thresholdMax } = PEAK_SEARCH;
  if (!(threshold >= thresholdMin && threshold <= thresholdMax)) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the peak search cannot use threshold ${threshold}: it takes ${thresholdMin} to ${thresholdMax} standard deviations`,
      { threshold },
    );
  }
  if (fwhm !== undefined && !(fwhm > 0)) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the peak search cannot use fwhm ${fwhm}: it takes a width above 0`,
      {
        fwhm,
      },
    );
  }
}

/** Standard deviation of the most significant peak, in channels; undefined without a peak. */
function usualSigma(counts: ArrayLike<number>, threshold: number): number | undefined {
  const { min, factor, max } = FIRST_SIGMAS;
  let best: PeakCandidate | undefined;
  for (let sigma: number = min; sigma <= Math.min(max, counts.length * FILTER_PART_MAX); sigma *= factor) {
    for (const candidate of significantMaxima(counts, sigma, threshold)) {
      if (best === undefined || candidate.significance > best.significance) best = candidate;
    }
  }
  return best === undefined ? undefined : widthAtHalf(counts, best) / FWHM_PER_SIGMA;
}

/** Full width, in channels, at half of the highest count above those at the ends of the filter. */
function widthAtHalf(counts: ArrayLike<number>, { channel, sigma }: PeakCandidate): number {
  const reach = Math.ceil(3 * sigma);
  const from = Math.max(0, Math.floor(channel) - reach);
  const to = Math.min(counts.length, Math.floor(channel) + reach + 1);
  // Single counts make steps: few counts are averaged over a part of the filter.
  const average = Math.floor(sigma / 4);
  const at = (place: number): number => {
    let sum = 0;
    for (let index = place - average; index <= place + average; index += 1) sum += counts[index] ?? 0;
    return sum / (2 * average + 1);
  };
  let top = from;
  for (let place = from; place < to; place += 1) if (at(place) > at(top)) top = place;
  const level = (at(top) + Math.min(at(top), (at(from) + at(to - 1)) / 2)) / 2;
  let [left, right] = [top, top];
  while (left > from && at(left - 1) > level) left -= 1;
  while (right < to - 1 && at(right + 1) > level) right += 1;
  // Between channels, in proportion.
  const cut = (inner: number, outer: number): number =>
    (at(inner) - level) / Math.max(1e-9, at(inner) - at(outer));
  return Math.max(1, right - left + Math.min(1, cut(left, left - 1)) + Math.min(1, cut(right, right + 1)));
}

/** Two peaks where a narrower filter finds two with a significant valley between them. */
function splitDoublet(
  counts: ArrayLike<number>,
  peak: PeakCandidate,
  usual: number,
  threshold: number,
): PeakCandidate[] {
  for (const part of DOUBLET_PARTS) {
    const sigma = usual * part;
    const reach = Math.ceil(2 * usual);
    const margin = Math.ceil(4 * sigma) + 3;
    const from = Math.max(0, Math.floor(peak.channel) - reach - margin);
    const to = Math.min(counts.length, Math.ceil(peak.channel) + reach + margin);
    const local = Float64Array.from({ length: to - from }, (_, index) => counts[from + index]!);
    const pair = significantMaxima(local, sigma, threshold)
      .filter(({ channel }) => Math.abs(channel + from - peak.channel) <= reach)
      .sort((one, other) => other.significance - one.significance)
      .slice(0, 2)
      .sort((one, other) => one.channel - other.channel);
    const [left, right] = pair;
    if (left === undefined || right === undefined) continue;
    if (!hasValley(local, left, right)) continue;
    return pair.map((one) => ({ ...one, channel: one.channel + from }));
  }
  return [peak];
}

/** Whether the second difference between two maxima is lower than both by more than its noise. */
function hasValley(counts: ArrayLike<number>, left: PeakCandidate, right: PeakCandidate): boolean {
  const valley = lowestBetween(counts, left.sigma, left.channel, right.channel);
  return Math.min(left.significance, right.significance) - valley > VALLEY_DEVIATIONS;
}

/**
 * Keeps of candidates that are nearer than `least` channels to each other the most significant one.
 */
function keepApart(
  candidates: readonly PeakCandidate[],
  least: (one: PeakCandidate, other: PeakCandidate) => number,
): PeakCandidate[] {
  const kept: PeakCandidate[] = [];
  for (const candidate of candidates.toSorted((one, other) => other.significance - one.significance)) {
    if (kept.every((one) => Math.abs(one.channel - candidate.channel) > least(one, candidate)))
      kept.push(candidate);
  }
  return kept;
}
