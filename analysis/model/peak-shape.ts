/**
 * The shapes of peaks, as their integral from the left, so that a model is the difference at the
 * two edges of a channel. Used by model.ts. Pure.
 *
 * A shape of area 1 has a Gauss with `centroid` and `sigma`; a part `tail` of it is convolved with
 * an exponential of length `tailLength` towards low energy; below the peak the background is
 * higher by `step` times the height of the Gauss, rounded off by the resolution. Formulas:
 * docs/peaks.md.
 */
import { normalDensity, normalIntegral, scaledErfc } from '../numerics/error-function.js';

export interface PeakShape {
  readonly centroid: number;
  readonly sigma: number;
  /** 0 to 1. */
  readonly tail: number;
  /** 0 for a shape without a tail. */
  readonly tailLength: number;
  readonly step: number;
}

/** The integral, and its derivatives by the members of `PeakShape`. */
export interface PeakIntegral {
  value: number;
  centroid: number;
  sigma: number;
  tail: number;
  tailLength: number;
  step: number;
}

const SQRT_HALF = Math.SQRT1_2;
const SQRT_TWO_PI = Math.sqrt(2 * Math.PI);

export function emptyIntegral(): PeakIntegral {
  return { value: 0, centroid: 0, sigma: 0, tail: 0, tailLength: 0, step: 0 };
}

/** Writes the integral up to x into `into`; constants that do not depend on x are left out. */
export function integrateShape(x: number, shape: PeakShape, into: PeakIntegral): void {
  const { centroid, sigma, step } = shape;
  const z = (x - centroid) / sigma;
  const density = normalDensity(z);
  const integral = normalIntegral(z);
  into.value = integral;
  into.centroid = -density / sigma;
  into.sigma = (-z * density) / sigma;
  into.tail = 0;
  into.tailLength = 0;
  into.step = 0;
  if (shape.tailLength > 0) addTail(z, density, shape, into);
  // The integral of erfc(z/√2)/2 is σ(zΦ(−z) − φ(z)); the height of a Gauss of area 1 is 1/(σ√2π).
  const above = normalIntegral(-z);
  const rounded = (z * above - density) / SQRT_TWO_PI;
  into.step = rounded;
  if (step === 0) return;
  into.value += step * rounded;
  into.centroid -= (step * above) / (sigma * SQRT_TWO_PI);
  into.sigma -= (step * z * above) / (sigma * SQRT_TWO_PI);
}

/** Moves the part `tail` from the Gauss to the Gauss that is convolved with an exponential. */
function addTail(z: number, density: number, shape: PeakShape, into: PeakIntegral): void {
  const { sigma, tail, tailLength } = shape;
  const ratio = sigma / tailLength;
  // Beyond the Gauss: exp((x − c)/β + σ²/2β²) · Φ(−u), u = z + σ/β.
  const u = z + ratio;
  const excess =
    u > 0
      ? 0.5 * Math.exp(-0.5 * z * z) * scaledErfc(u * SQRT_HALF)
      : Math.exp(z * ratio + 0.5 * ratio * ratio) * normalIntegral(-u);
  const byCentroid = -excess / tailLength;
  const bySigma = (excess * ratio - density) / tailLength;
  const byLength = (-excess * (z * ratio + ratio * ratio) + density * ratio) / tailLength;
  into.value += tail * excess;
  into.centroid = (1 - tail) * into.centroid + tail * byCentroid;
  into.sigma = (1 - tail) * into.sigma + tail * bySigma;
  into.tail = excess;
  into.tailLength = tail * byLength;
}
