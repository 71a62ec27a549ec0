/**
 * The full width at half maximum of a fitted peak, with its error. Used by `fitSpectrum`. Pure. A
 * Gauss has 2.355 standard deviations; the width of a peak with a tail is found on its shape, the
 * step left out.
 */
import type { PeakShape } from '../model/peak-shape.js';
import { emptyIntegral, integrateShape } from '../model/peak-shape.js';
import { FWHM_PER_SIGMA } from './start-values.js';

const HALVINGS = 60;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

export function widthOf(shape: PeakShape): number {
  const { centroid, sigma, tail, tailLength } = shape;
  if (tail === 0 || tailLength === 0) return FWHM_PER_SIGMA * sigma;
  const density = (x: number): number => {
    // The derivative by the centroid is minus the density.
    const integral = emptyIntegral();
    integrateShape(x, { ...shape, step: 0 }, integral);
    return -integral.centroid;
  };
  const reach = 8 * sigma + 12 * tailLength;
  const top = maximumOf(density, centroid - 3 * sigma - tailLength, centroid + sigma);
  const half = density(top) / 2;
  return crossing(density, top, centroid + reach, half) - crossing(density, top, centroid - reach, half);
}

/** By the golden section: the density has one maximum. */
function maximumOf(density: (x: number) => number, from: number, to: number): number {
  let [low, high] = [from, to];
  for (let step = 0; step < HALVINGS; step += 1) {
    const [one, other] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
    if (density(one) > density(other)) high = other;
    else low = one;
  }
  return (low + high) / 2;
}

/** Where the density falls to `level` between its maximum and a place outside. */
function crossing(density: (x: number) => number, top: number, outside: number, level: number): number {
  let [inner, outer] = [top, outside];
  for (let step = 0; step < HALVINGS; step += 1) {
    const middle = (inner + outer) / 2;
    if (density(middle) > level) inner = middle;
    else outer = middle;
  }
  return (inner + outer) / 2;
}
