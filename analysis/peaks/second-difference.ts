/**
 * The smoothed second difference of a spectrum in units of its standard deviation: large where a
 * peak of about the given width stands on a smooth background. Used by the peak search. Pure.
 *
 * Source: M. A. Mariscotti, Nucl. Instr. Meth. 50 (1967) 309, with the second derivative of a Gauss
 * as the filter. Its coefficients have sum and first moment 0, so a straight background gives 0.
 */

/** Standard deviations of the Gauss that the filter reaches to each side. */
const REACH_SIGMAS = 4;
/** A filter of more than twice so many channels works on groups of channels. */
const SIGMA_CHANNELS = 3;

export interface PeakCandidate {
  /** The place of the maximum, in channels; 3.5 is the middle of channel 3. */
  readonly channel: number;
  /** Standard deviation of the filter, in channels. */
  readonly sigma: number;
  readonly significance: number;
}

/** The local maxima above the threshold. `sigma`: standard deviation of the filter, in channels. */
export function significantMaxima(
  counts: ArrayLike<number>,
  sigma: number,
  threshold: number,
): PeakCandidate[] {
  const group = Math.max(1, Math.floor(sigma / SIGMA_CHANNELS));
  const significance = significanceOf(grouped(counts, group), sigma / group);
  const maxima: PeakCandidate[] = [];
  for (let place = 1; place < significance.length - 1; place += 1) {
    const [before, here, after] = [significance[place - 1]!, significance[place]!, significance[place + 1]!];
    if (here < threshold || here < before || here <= after) continue;
    // The vertex of the parabola through the three.
    const curvature = before - 2 * here + after;
    const shift = curvature === 0 ? 0 : (before - after) / (2 * curvature);
    maxima.push({ channel: (place + 0.5 + shift) * group, sigma, significance: here });
  }
  return maxima;
}

/** The lowest significance between two places, in channels. */
export function lowestBetween(counts: ArrayLike<number>, sigma: number, from: number, to: number): number {
  const group = Math.max(1, Math.floor(sigma / SIGMA_CHANNELS));
  const significance = significanceOf(grouped(counts, group), sigma / group);
  return Math.min(...significance.slice(Math.floor(from / group), Math.ceil(to / group)));
}

/** Significance of a peak in each channel; 0 where the filter reaches beyond the ends. */
function significanceOf(counts: ArrayLike<number>, sigma: number): Float64Array {
  const filter = filterOf(sigma);
  const reach = (filter.length - 1) / 2;
  const size = counts.length;
  const result = new Float64Array(size);
  for (let channel = reach; channel < size - reach; channel += 1) {
    let [sum, variance] = [0, 0];
    for (let index = 0; index < filter.length; index += 1) {
      const [weight, count] = [filter[index]!, counts[channel - reach + index]!];
      sum += weight * count;
      variance += weight * weight * count;
    }
    // One count more in the middle keeps a lone count in an empty part from being a peak.
    result[channel] = sum / Math.sqrt(variance + filter[reach]! ** 2);
  }
  return result;
}

function grouped(counts: ArrayLike<number>, group: number): ArrayLike<number> {
  if (group === 1) return counts;
  const groups = new Float64Array(Math.floor(counts.length / group));
  for (let channel = 0; channel < groups.length * group; channel += 1) {
    const at = Math.floor(channel / group);
    groups[at] = groups[at]! + (counts[channel] ?? 0);
  }
  return groups;
}

function filterOf(sigma: number): Float64Array {
  const reach = Math.max(2, Math.ceil(REACH_SIGMAS * sigma));
  const filter = Float64Array.from({ length: 2 * reach + 1 }, (_, index) => {
    const z = (index - reach) / sigma;
    return (1 - z * z) * Math.exp(-0.5 * z * z);
  });
  const mean = filter.reduce((sum, weight) => sum + weight, 0) / filter.length;
  return filter.map((weight) => weight - mean);
}
