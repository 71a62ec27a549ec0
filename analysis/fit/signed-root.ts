/**
 * How many standard deviations a value of a parameter is away from the fitted one, and the interval
 * of one standard deviation: by the likelihood, which holds where few counts make an estimate
 * biased and its error asymmetric. Used by `fitSpectrum`. Pure.
 *
 * r = sign(fitted − value) · √(profile deviance − deviance) follows the standard normal
 * distribution but for terms of 1/√counts; r* = r + ln(u/r)/r removes these (Barndorff-Nielsen,
 * Biometrika 73 (1986) 307; u for Poisson counts after Davison, Fraser and Reid, J. R. Statist.
 * Soc. B 68 (2006) 495).
 */
import { determinant, Matrix } from 'ml-matrix';
import type { Model } from '../model/model.js';
import { information } from './likelihood.js';
import { minimise, type Minimum, type ParameterSetting } from './minimise.js';

export interface Fitted {
  readonly model: Model;
  readonly counts: ArrayLike<number>;
  readonly settings: readonly ParameterSetting[];
  readonly minimum: Minimum;
  /** Standard deviations of all parameters by the covariance; NaN where there is none. */
  readonly errors: Float64Array;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Nearer to the fitted value, the correction divides by almost nothing. */
const ROOT_LEAST = 0.1;
/** A larger correction means that another maximum of the likelihood is near: it is left out. */
const CORRECTION_MAX = 0.5;
const DERIVATIVE_STEP = 1e-3;
const SEARCH_STEPS_MAX = 40;
const ROOT_PRECISION = 1e-3;
/** Errors beyond the fitted value within which the interval is searched. */
const REACH_ERRORS = 8;

/** r* of a value; `index` is that of a parameter that was fitted. */
export function signedRoot(fitted: Fitted, index: number, value: number): number {
  const { model, counts, settings, minimum } = fitted;
  const constrained = minimise(
    model,
    counts,
    settings.map((setting, at) => ({
      ...setting,
      start: at === index ? value : minimum.values[at]!,
      fixed: at === index || setting.fixed,
      ...(at === index ? { min: value, max: value } : {}),
    })),
  );
  const excess = Math.max(0, constrained.deviance - minimum.deviance);
  const root = Math.sign(minimum.values[index]! - value) * Math.sqrt(excess);
  if (Math.abs(root) < ROOT_LEAST) return root;
  const correction = correctionOf(fitted, constrained, index, root);
  return Math.abs(correction) < CORRECTION_MAX ? root + correction : root;
}

/** The interval from r* = 1 to r* = −1, within the limits of the parameter. */
export function likelihoodInterval(fitted: Fitted, index: number): Interval | undefined {
  const { settings, minimum, errors } = fitted;
  const { min, max } = settings[index]!;
  const error = errors[index]!;
  if (!(error > 0)) return undefined;
  const at = minimum.values[index]!;
  const low = search(
    (value) => signedRoot(fitted, index, value) - 1,
    at,
    Math.max(min, at - REACH_ERRORS * error),
  );
  const high = search(
    (value) => -1 - signedRoot(fitted, index, value),
    at,
    Math.min(max, at + REACH_ERRORS * error),
  );
  return { low, high };
}

/** Where `excess` becomes positive between `inner` and `outer`; `outer` if it does not. */
function search(excess: (value: number) => number, inner: number, outer: number): number {
  if (!(excess(outer) > 0)) return outer;
  let [from, to] = [inner, outer];
  for (let step = 0; step < SEARCH_STEPS_MAX; step += 1) {
    const middle = (from + to) / 2;
    const value = excess(middle);
    if (Math.abs(value) < ROOT_PRECISION) return middle;
    if (value > 0) to = middle;
    else from = middle;
  }
  return (from + to) / 2;
}

/** ln(u/r)/r; 0 where a parameter is at a limit, or the formula has no value. */
function correctionOf(fitted: Fitted, constrained: Minimum, index: number, root: number): number {
  const { minimum } = fitted;
  const { free } = minimum;
  const others = free.filter((parameter) => parameter !== index);
  if (!free.includes(index) || constrained.free.length !== others.length) return 0;
  const observed = determinant(observedInformation(fitted, minimum, free));
  const observedOthers =
    others.length === 0 ? 1 : determinant(observedInformation(fitted, constrained, others));
  const atMaximum = determinant(information(minimum.expected, minimum.derivatives, free));
  const between = Math.abs(determinant(canonicalDifference(minimum, constrained, free, others)));
  const ratio = observed / observedOthers;
  if (!(ratio > 0) || !(between > 0)) return 0;
  return Math.log(((between / atMaximum) * Math.sqrt(ratio)) / Math.abs(root)) / root;
}

/**
 * The canonical parameters of the fit less those of the constrained fit, and beside them the
 * derivatives of the latter by the other parameters.
 */
function canonicalDifference(
  minimum: Minimum,
  constrained: Minimum,
  free: readonly number[],
  others: readonly number[],
): Matrix {
  const matrix = new Matrix(free.length, free.length);
  free.forEach((parameter, row) => {
    const weights = minimum.derivatives[parameter]!;
    others.forEach((other, column) => {
      const by = constrained.derivatives[other]!;
      matrix.set(
        row,
        column + 1,
        sumOver(constrained.expected, (channel, mu) => (weights[channel]! * by[channel]!) / mu),
      );
    });
    matrix.set(
      row,
      0,
      sumOver(constrained.expected, (channel, mu) => {
        const fitted = minimum.expected[channel]!;
        return fitted > 0 ? weights[channel]! * Math.log(fitted / mu) : 0;
      }),
    );
  });
  return matrix;
}

/** Minus the second derivatives of the logarithm of the likelihood. */
function observedInformation(
  { model, counts, errors }: Fitted,
  { values, expected, derivatives }: Minimum,
  free: readonly number[],
): Matrix {
  const matrix = new Matrix(free.length, free.length);
  const moved = values.slice();
  const unused = new Float64Array(expected.length);
  const above = derivatives.map((row) => row.slice());
  const below = derivatives.map((row) => row.slice());
  free.forEach((parameter, row) => {
    const step = errors[parameter]! * DERIVATIVE_STEP;
    moved[parameter] = values[parameter]! + step;
    model.evaluate(moved, unused, above);
    moved[parameter] = values[parameter]! - step;
    model.evaluate(moved, unused, below);
    moved[parameter] = values[parameter]!;
    free.forEach((other, column) => {
      const [by, byOther] = [derivatives[parameter]!, derivatives[other]!];
      const sum = sumOver(expected, (channel, mu) => {
        const n = counts[channel] ?? 0;
        const second = (above[other]![channel]! - below[other]![channel]!) / (2 * step);
        return (n * by[channel]! * byOther[channel]!) / (mu * mu) - (n / mu - 1) * second;
      });
      matrix.set(row, column, sum);
    });
  });
  return matrix;
}

function sumOver(expected: Float64Array, term: (channel: number, mu: number) => number): number {
  let sum = 0;
  for (let channel = 0; channel < expected.length; channel += 1) {
    const mu = expected[channel]!;
    if (mu > 0) sum += term(channel, mu);
  }
  return sum;
}
