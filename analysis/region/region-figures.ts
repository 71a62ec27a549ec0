/**
 * The figures of a region of a 1-D spectrum without a fit: gross counts, a straight background from
 * the region's edges, net counts, and the moments of the net counts, each with its uncertainty. The
 * page, the console and the web server call it. Pure. Formulas: docs/peaks.md.
 */
import type { Channels } from '../channels.js';
import { FWHM_PER_SIGMA } from '../fit/start-values.js';

/** A value and its standard deviation, in the same unit. */
export interface Measured {
  readonly value: number;
  readonly error: number;
}

export interface RegionFigures {
  /** All counts of the region. */
  readonly gross: Measured;
  /** The straight line through the mean counts of both edges. */
  readonly background: Measured;
  readonly net: Measured;
  /** First moment of the net counts; left out where these are not significant. */
  readonly centroid?: Measured;
  /** 2.355 standard deviations of the net counts (second moment), less the channel's width. */
  readonly fwhm?: Measured;
  /** Channels of each edge that the background is from. */
  readonly edgeChannels: number;
}

/** Part of the region that each edge has, and its limits in channels. */
const EDGE_PART = 0.15;
const EDGE_CHANNELS_MAX = 50;
/** Net counts in standard deviations below which they have no moments. */
const SIGNIFICANT_DEVIATIONS = 3;

/** `part`: the channels of the region, one at least. */
export function regionFigures(part: Channels): RegionFigures {
  const { counts } = part;
  const size = counts.length;
  const edge = Math.min(EDGE_CHANNELS_MAX, Math.max(1, Math.round(size * EDGE_PART)));
  const gross = sumOf(counts, 0, size);
  const noise = Math.sqrt(gross);
  // With three channels or fewer there is nothing between the edges.
  if (size < 4) {
    return {
      gross: { value: gross, error: noise },
      background: { value: 0, error: 0 },
      net: { value: gross, error: noise },
      edgeChannels: 0,
    };
  }
  const edges = sumOf(counts, 0, edge) + sumOf(counts, size - edge, size);
  // The mean of both edges, over all channels of the region.
  const factor = size / (2 * edge);
  const net = gross - factor * edges;
  const figures = {
    gross: { value: gross, error: noise },
    background: { value: factor * edges, error: factor * Math.sqrt(edges) },
    // The counts of the edges are in the gross counts too.
    net: { value: net, error: Math.sqrt(gross - edges + (factor - 1) ** 2 * edges) },
    edgeChannels: edge,
  };
  return net > SIGNIFICANT_DEVIATIONS * figures.net.error
    ? { ...figures, ...momentsOf(part, edge, net) }
    : figures;
}

/**
 * Every net moment is a sum of the counts with weights, since the background is a sum of those of
 * the edges; so the variances are sums too.
 */
function momentsOf(
  { counts, low, width }: Channels,
  edge: number,
  net: number,
): { centroid: Measured; fwhm?: Measured } {
  const size = counts.length;
  const middle = (channel: number): number => channel + 0.5;
  const zeroth = momentWeights(size, edge, () => 1);
  const first = momentWeights(size, edge, middle);
  const place = weighted(counts, first) / net;
  const second = momentWeights(size, edge, (channel) => (middle(channel) - place) ** 2);
  const spread = weighted(counts, second) / net;
  let [placeVariance, spreadVariance] = [0, 0];
  for (let channel = 0; channel < size; channel += 1) {
    const count = counts[channel] ?? 0;
    placeVariance += count * ((first[channel]! - place * zeroth[channel]!) / net) ** 2;
    spreadVariance += count * ((second[channel]! - spread * zeroth[channel]!) / net) ** 2;
  }
  const centroid = { value: low + place * width, error: Math.sqrt(placeVariance) * width };
  // Sheppard's correction: counts spread over their channel.
  const variance = spread - 1 / 12;
  if (!(variance > 0)) return { centroid };
  const sigma = Math.sqrt(variance);
  return {
    centroid,
    fwhm: {
      value: FWHM_PER_SIGMA * sigma * width,
      error: (FWHM_PER_SIGMA * Math.sqrt(spreadVariance) * width) / (2 * sigma),
    },
  };
}

/** The weight of each count in the sum of `power` over the net counts. */
function momentWeights(size: number, edge: number, power: (channel: number) => number): Float64Array {
  // The line through the means of both edges, at the middle of each.
  const [left, right] = [edge / 2, size - edge / 2];
  let [leftSum, rightSum] = [0, 0];
  for (let channel = 0; channel < size; channel += 1) {
    const part = (channel + 0.5 - left) / (right - left);
    leftSum += power(channel) * (1 - part);
    rightSum += power(channel) * part;
  }
  return Float64Array.from({ length: size }, (_, channel) => {
    const background = channel < edge ? leftSum / edge : channel >= size - edge ? rightSum / edge : 0;
    return power(channel) - background;
  });
}

function weighted(counts: ArrayLike<number>, weights: Float64Array): number {
  let sum = 0;
  for (let channel = 0; channel < weights.length; channel += 1)
    sum += weights[channel]! * (counts[channel] ?? 0);
  return sum;
}

function sumOf(counts: ArrayLike<number>, from: number, to: number): number {
  let sum = 0;
  for (let channel = from; channel < to; channel += 1) sum += counts[channel] ?? 0;
  return sum;
}
