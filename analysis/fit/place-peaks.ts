/**
 * Finds start values of the centroids of several peaks for a fit whose caller gives none: adds one
 * peak at a time, where it raises the likelihood most. Used by `fitSpectrum`. Pure. Centroids and
 * widths are in the units of the axis.
 */
import type { Channels } from '../channels.js';
import { Model, peakParameter, type ModelChoice } from '../model/model.js';
import { minimise, type Minimum } from './minimise.js';
import { startSettings, type ParameterChoice } from './start-values.js';

/** Distance of the two peaks into which a peak is split, in its standard deviations. */
const SPLIT_SIGMAS = 1.2;

/** Start values of the peaks of a fit. */
export interface PeakStart {
  readonly centroids: readonly number[];
  /** The common standard deviation of the peaks. */
  readonly sigma: number;
}

/** A fit with some number of peaks. */
interface Trial extends PeakStart {
  readonly minimum: Minimum;
}

/**
 * Start values for `choice.peaks` peaks, found with Gauss peaks of a common width; centroids
 * ascend.
 */
export function placePeaks(choice: ModelChoice, channels: Channels): PeakStart {
  let best = tryPeaks(choice, channels, 1, []);
  for (let peaks = 2; peaks <= choice.peaks; peaks += 1) {
    const { centroids, sigma } = best;
    const candidates = [
      [...centroids, largestExcess(channels, best.minimum)],
      ...centroids.map((centroid, index) => [
        ...centroids.filter((_, other) => other !== index),
        centroid - (SPLIT_SIGMAS * sigma) / 2,
        centroid + (SPLIT_SIGMAS * sigma) / 2,
      ]),
    ];
    const trials = candidates.map((starts) => tryPeaks(choice, channels, peaks, starts));
    best = trials.reduce((one, other) => (other.minimum.deviance < one.minimum.deviance ? other : one));
  }
  return { centroids: best.centroids.toSorted((one, other) => one - other), sigma: best.sigma };
}

function tryPeaks(
  { background }: ModelChoice,
  channels: Channels,
  peaks: number,
  centroids: readonly number[],
): Trial {
  const model = new Model({ model: 'gauss', peaks, commonWidth: true, background }, channels);
  const high = channels.low + channels.counts.length * channels.width;
  const inside = centroids.map((centroid) => Math.min(high, Math.max(channels.low, centroid)));
  const none: Record<string, ParameterChoice> = {};
  const minimum = minimise(model, channels.counts, startSettings(model, channels, inside, none));
  return {
    minimum,
    centroids: Array.from({ length: peaks }, (_, peak) => {
      return minimum.values[model.indexOf(peakParameter('centroid', peak))]!;
    }),
    sigma: minimum.values[model.indexOf('sigma')]!,
  };
}

/**
 * The middle of the three channels whose counts are most above the fit, in standard deviations of
 * the counts expected there.
 */
function largestExcess({ counts, low, width }: Channels, { expected }: Minimum): number {
  let [best, place] = [-Infinity, 0];
  for (let channel = 1; channel < counts.length - 1; channel += 1) {
    let [excess, mean] = [0, 0];
    for (const at of [channel - 1, channel, channel + 1]) {
      excess += counts[at]! - expected[at]!;
      mean += expected[at]!;
    }
    const deviations = excess / Math.sqrt(Math.max(1, mean));
    if (deviations > best) [best, place] = [deviations, channel];
  }
  return low + (place + 0.5) * width;
}
