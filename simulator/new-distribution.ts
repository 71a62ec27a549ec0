/**
 * The distribution of events of a spectrum that is made while the simulator runs: taken from the
 * spectra that have its parameters. Used by spectrum-requests.ts. Pure.
 */
import type { AxisDefinition, SpectrumDefinition } from './spectrum-definition.js';

/** Undefined when no spectrum has events of these parameters. */
export function weightsOf(
  axes: readonly AxisDefinition[],
  spectra: readonly { readonly definition: SpectrumDefinition }[],
): Float64Array | undefined {
  for (const { definition } of spectra) {
    const places = axes.map((axis) =>
      definition.axes.findIndex(({ parameter }) => parameter === axis.parameter),
    );
    if (definition.weights === undefined || places.includes(-1)) continue;
    return rebinned(definition, definition.weights, axes, places);
  }
  return undefined;
}

/** The weights of a spectrum of two dimensions, summed onto one axis. */
export function projectedWeights(
  { axes, weights }: SpectrumDefinition,
  direction: 'x' | 'y',
  isInside: (x: number, y: number) => boolean,
): Float64Array | undefined {
  const [xaxis, yaxis] = axes;
  if (weights === undefined || xaxis === undefined || yaxis === undefined) return undefined;
  const sums = new Float64Array(direction === 'x' ? xaxis.bins : yaxis.bins);
  weights.forEach((weight, bin) => {
    const [x, y] = [bin % xaxis.bins, Math.floor(bin / xaxis.bins)];
    if (isInside(x, y)) sums[direction === 'x' ? x : y]! += weight;
  });
  return sums.some((weight) => weight > 0) ? sums : undefined;
}

/** Each bin gives its weight to the new bin that has its middle. */
function rebinned(
  definition: SpectrumDefinition,
  weights: Float64Array,
  axes: readonly AxisDefinition[],
  places: readonly number[],
): Float64Array | undefined {
  const [x, y] = axes;
  const sums = new Float64Array((x?.bins ?? 1) * (y?.bins ?? 1));
  const columns = definition.axes[0]?.bins ?? 1;
  weights.forEach((weight, bin) => {
    const bins = [bin % columns, Math.floor(bin / columns)];
    const targets = axes.map((axis, index) => {
      const place = places[index] ?? 0;
      const from = definition.axes[place];
      if (from === undefined) return -1;
      const middle = from.low + (((bins[place] ?? 0) + 0.5) * (from.high - from.low)) / from.bins;
      const target = Math.floor(((middle - axis.low) * axis.bins) / (axis.high - axis.low));
      return target < axis.bins ? target : -1;
    });
    const [column = 0, row = 0] = targets;
    if (column >= 0 && row >= 0) sums[row * (x?.bins ?? 1) + column]! += weight;
  });
  return sums.some((weight) => weight > 0) ? sums : undefined;
}
