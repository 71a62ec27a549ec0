/**
 * Finds where several peaks of a fit start when the caller does not say: one more at a time, where
 * it raises the likelihood most. Used by `fitModel`. Pure.
 */
import type { Channels } from '../channels.js';
import { Model, peakParameter, type ModelChoice } from '../model/model.js';
import { minimise, type Minimum } from './minimise.js';
import { startSettings, type ParameterChoice } from './start-values.js';

/** A peak is split into two, so far apart in standard deviations. */
const SPLIT_SIGMAS = 1.2;

interface Trial {
  readonly minimum: Minimum;
  readonly centroids: readonly number[];
  readonly sigma: number;
}

export interface PeakStart {
  readonly centroids: readonly number[];
  readonly sigma: number;
}

/** In ascending order, with a common width of Gauss peaks. */
export function placePeaks(choice: ModelChoice, channels: Channels): PeakStart {
  let best = tryPeaks(choice, channels, 1, []);
  for (let peaks = 2; peaks <= choice.peaks; peaks += 1) {
    const { centroids, sigma } = best;
    const candidates = [
      [...centroids, residualPlace(channels, best.minimum)],
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

/** The middle of the three channels with most counts above the model, in its deviations. */
function residualPlace({ counts, low, width }: Channels, { expected }: Minimum): number {
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
