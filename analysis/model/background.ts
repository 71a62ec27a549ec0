/**
 * Backgrounds of a model, integrated over each channel: polynomials and the exponential. Used by
 * model.ts. Pure.
 *
 * A polynomial of degree d is written in the basis of Bernstein over the fitted range: parameter 0
 * is the counts per channel at the left limit of the range, parameter d those at the right limit,
 * the others are control points between them. So limits at 0 keep its ends positive, and the
 * parameters are nearly independent of each other.
 */
import type { Channels } from '../channels.js';

export const BACKGROUND_NAMES = ['none', '0', '1', '2', '3', 'exponential'] as const;
export type BackgroundName = (typeof BACKGROUND_NAMES)[number];

/** Below this exponent over the range, the series replaces the difference of exponentials. */
const SMALL_EXPONENT = 1e-6;

const CHOOSE = [[1], [1, 1], [1, 2, 1], [1, 3, 3, 1]] as const;

export function backgroundParameters(name: BackgroundName): string[] {
  if (name === 'none') return [];
  if (name === 'exponential') return ['height', 'slope'];
  return Array.from({ length: Number(name) + 1 }, (_, index) => `background${index}`);
}

/**
 * The basis of a polynomial: a row per parameter with its mean over each channel. It does not
 * depend on the parameters.
 */
export function polynomialBasis(degree: number, channels: number): Float64Array[] {
  return Array.from({ length: degree + 1 }, (_, index) =>
    Float64Array.from({ length: channels }, (_, channel) =>
      bernsteinMean(degree, index, channel / channels, (channel + 1) / channels),
    ),
  );
}

/** The mean of a Bernstein polynomial between two places: exact, by Gauss and Legendre. */
function bernsteinMean(degree: number, index: number, from: number, to: number): number {
  const [middle, half] = [(from + to) / 2, ((to - from) / 2) * Math.sqrt(1 / 3)];
  const at = (t: number): number => (CHOOSE[degree]?.[index] ?? 0) * t ** index * (1 - t) ** (degree - index);
  return (at(middle - half) + at(middle + half)) / 2;
}

/**
 * height · exp(−slope·(x − low)), x in units of the axis: writes the mean over each channel, and
 * adds to the expected counts.
 */
export function addExponential(
  { counts, width }: Channels,
  height: number,
  slope: number,
  expected: Float64Array,
  derivatives: readonly [Float64Array, Float64Array] | undefined,
): void {
  const step = slope * width;
  const small = Math.abs(step) < SMALL_EXPONENT;
  // The mean of exp(−s·t) over one channel, and its derivative by s.
  const mean = small ? 1 - step / 2 : -Math.expm1(-step) / step;
  const byStep = small ? -0.5 + step / 3 : (Math.exp(-step) - mean) / step;
  for (let channel = 0; channel < counts.length; channel += 1) {
    const left = Math.exp(-step * channel);
    expected[channel] = expected[channel]! + height * left * mean;
    if (derivatives === undefined) continue;
    derivatives[0][channel] = left * mean;
    derivatives[1][channel] = height * width * left * (byStep - channel * mean);
  }
}
