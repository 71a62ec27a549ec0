/**
 * Start values and limits of a fit, estimated from the counts. Used by `fitSpectrum`. Pure.
 */
import { highEdge, type Channels } from '../channels.js';
import { peakParameter, type Model } from '../model/model.js';
import type { ParameterSetting } from './minimise.js';

/** What a caller may say about a parameter; what is left out is estimated. */
export interface ParameterChoice {
  readonly value?: number;
  readonly min?: number;
  readonly max?: number;
  readonly fixed?: boolean;
}

/** FWHM of a Gauss in units of its standard deviation: 2·√(2·ln 2). */
export const FWHM_PER_SIGMA = 2 * Math.sqrt(2 * Math.LN2);
const SQRT_TWO_PI = Math.sqrt(2 * Math.PI);
/** A narrower peak lies within one channel, whose counts do not determine a width. */
const SIGMA_MIN_CHANNELS = 0.25;
const EDGE_PART = 0.1;
const TAIL_MIN_SIGMAS = 0.5;

interface Estimate {
  readonly areas: readonly number[];
  readonly centroids: readonly number[];
  readonly sigma: number;
  readonly left: number;
  readonly right: number;
}

/**
 * A setting per parameter of the model. `centroids`: where the peaks are placed; `sigma`: their
 * width, where it is known better than from the counts at these places.
 */
export function startSettings(
  model: Model,
  channels: Channels,
  centroids: readonly number[],
  choices: Readonly<Record<string, ParameterChoice>>,
  sigma?: number,
): ParameterSetting[] {
  const estimated = estimatePeaks(channels, model.choice.peaks, centroids);
  const estimate = sigma === undefined ? estimated : { ...estimated, sigma };
  const defaults = defaultSettings(model, channels, estimate);
  return model.names.map((name) => {
    const standard = defaults.get(name) ?? { start: 0, min: -Infinity, max: Infinity };
    const choice = choices[name] ?? {};
    const start = choice.value ?? standard.start;
    const fixed = choice.fixed === true;
    return {
      start,
      min: choice.min ?? (fixed ? start : standard.min),
      max: choice.max ?? (fixed ? start : standard.max),
      fixed,
    };
  });
}

type Bounds = Omit<ParameterSetting, 'fixed'>;

function defaultSettings(model: Model, channels: Channels, estimate: Estimate): Map<string, Bounds> {
  const { low, width, counts } = channels;
  const length = counts.length * width;
  const { left, right, sigma } = estimate;
  const settings = new Map<string, Bounds>();
  for (let peak = 0; peak < model.choice.peaks; peak += 1) {
    settings.set(peakParameter('area', peak), {
      start: estimate.areas[peak] ?? 1,
      min: 0,
      max: Infinity,
    });
    settings.set(peakParameter('centroid', peak), {
      start: estimate.centroids[peak] ?? low + length / 2,
      min: low,
      max: highEdge(channels),
    });
    settings.set(peakParameter('sigma', peak), {
      start: sigma,
      min: SIGMA_MIN_CHANNELS * width,
      max: length,
    });
  }
  settings.set('tail', { start: 0.1, min: 0, max: 1 });
  // A much shorter tail would only shift the peak.
  settings.set('tailLength', { start: sigma, min: TAIL_MIN_SIGMAS * sigma, max: length });
  settings.set('step', { start: 0.005, min: 0, max: 1 });
  const degree = Number(model.choice.background);
  for (let index = 0; index <= degree; index += 1) {
    const isEnd = index === 0 || index === degree;
    const start = Math.max(0.05, left + ((right - left) * index) / Math.max(1, degree));
    settings.set(`background${index}`, { start, min: isEnd ? 0 : -Infinity, max: Infinity });
  }
  const [first, last] = [Math.max(left, 0.05), Math.max(right, 0.05)];
  settings.set('height', { start: first, min: 0, max: Infinity });
  settings.set('slope', { start: Math.log(first / last) / length, min: -30 / length, max: 300 / length });
  return settings;
}

function estimatePeaks(channels: Channels, peaks: number, centroids: readonly number[]): Estimate {
  const { counts, low, width } = channels;
  const size = counts.length;
  const edge = Math.max(1, Math.round(EDGE_PART * size));
  const left = mean(counts, 0, edge);
  const right = mean(counts, size - edge, size);
  const net = Float64Array.from({ length: size }, (_, channel) => {
    const background = left + ((right - left) * (channel + 0.5)) / size;
    return mean(counts, Math.max(0, channel - 1), Math.min(size, channel + 2)) - background;
  });
  const total = Math.max(
    1,
    net.reduce((sum, value) => sum + value, 0),
  );
  const places =
    centroids.length > 0
      ? centroids.map((centroid) => (centroid - low) / width)
      : highestPlaces(net, peaks, total);
  const heights = places.map((place) => {
    const channel = Math.min(size - 1, Math.max(0, Math.floor(place)));
    return Math.max(0.3, net[channel]!, net[channel - 1] ?? 0, net[channel + 1] ?? 0);
  });
  const heightSum = Math.max(
    1,
    heights.reduce((sum, height) => sum + height, 0),
  );
  const sigmaChannels = Math.min(size / 6, Math.max(0.6, total / (heightSum * SQRT_TWO_PI)));
  return {
    areas: heights.map((height) => (total * height) / heightSum),
    centroids: places.map((place) => low + place * width),
    sigma: sigmaChannels * width,
    left,
    right,
  };
}

/** The highest places of the net counts, each at least a width away from those before. */
function highestPlaces(net: Float64Array, peaks: number, total: number): number[] {
  const places: number[] = [];
  const rest = net.slice();
  const highest = Math.max(1, ...net);
  const apart = Math.max(2, Math.round(total / (highest * SQRT_TWO_PI) / Math.max(1, peaks)));
  for (let peak = 0; peak < peaks; peak += 1) {
    let best = 0;
    for (let channel = 1; channel < rest.length; channel += 1) {
      if (rest[channel]! > rest[best]!) best = channel;
    }
    places.push(best + 0.5);
    rest.fill(-Infinity, Math.max(0, best - apart), best + apart + 1);
  }
  return places.sort((one, other) => one - other);
}

function mean(counts: ArrayLike<number>, from: number, to: number): number {
  let sum = 0;
  for (let channel = from; channel < to; channel += 1) sum += counts[channel] ?? 0;
  return sum / Math.max(1, to - from);
}
