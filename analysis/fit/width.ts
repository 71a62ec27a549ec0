/**
 * The full width at half maximum (FWHM) of a fitted peak, in the units of the axis. Used by
 * `fitSpectrum`, which adds the error. Pure. The FWHM of a Gauss is 2.355 standard deviations; that
 * of a peak with a tail is found numerically on its shape, without the step of the background.
 */
import type { PeakShape } from '../model/peak-shape.js';
import { emptyIntegral, integrateShape } from '../model/peak-shape.js';
import { FWHM_PER_SIGMA } from './start-values.js';

/** Steps of a search; each makes its interval shorter by at least a third. */
const STEPS = 60;
/** The part of its interval that a golden-section search keeps in each step. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** The FWHM of a peak of this shape, in the units of its centroid. */
export function fwhmOf(shape: PeakShape): number {
  const { centroid, sigma, tail, tailLength } = shape;
  if (tail === 0 || tailLength === 0) return FWHM_PER_SIGMA * sigma;
  const density = (x: number): number => {
    // The derivative by the centroid is minus the density.
    const integral = emptyIntegral();
    integrateShape(x, { ...shape, step: 0 }, integral);
    return -integral.centroid;
  };
  const farAway = 8 * sigma + 12 * tailLength;
  const top = maximumOf(density, centroid - 3 * sigma - tailLength, centroid + sigma);
  const half = density(top) / 2;
  return crossing(density, top, centroid + farAway, half) - crossing(density, top, centroid - farAway, half);
}

/** The place of the one maximum of the density between two places, by golden-section search. */
function maximumOf(density: (x: number) => number, from: number, to: number): number {
  let [low, high] = [from, to];
  for (let step = 0; step < STEPS; step += 1) {
    const [one, other] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
    if (density(one) > density(other)) high = other;
    else low = one;
  }
  return (low + high) / 2;
}

/** Where the density falls to `level` between its maximum and a place outside, by bisection. */
function crossing(density: (x: number) => number, top: number, outside: number, level: number): number {
  let [inner, outer] = [top, outside];
  for (let step = 0; step < STEPS; step += 1) {
    const middle = (inner + outer) / 2;
    if (density(middle) > level) inner = middle;
    else outer = middle;
  }
  return (inner + outer) / 2;
}
