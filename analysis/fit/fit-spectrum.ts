/**
 * Fits peaks and background to a part of a spectrum by maximum likelihood for Poisson counts. The
 * page's worker, the console and the web server call it and get the same numbers. Pure.
 */
import type { Matrix } from 'ml-matrix';
import { channelsBetween, highEdge, type AxisRange, type Channels } from '../channels.js';
import { Model, peakParameter } from '../model/model.js';
import type { BackgroundName, ModelName } from '../model/names.js';
import { checkFit, modelChoice, parameterChoices, type FitOptions } from './fit-options.js';
import { deviancePValue } from './goodness.js';
import { covarianceOf, information } from './likelihood.js';
import { minimise, type ParameterSetting } from './minimise.js';
import { placePeaks } from './place-peaks.js';
import { likelihoodInterval, type Fitted } from './signed-root.js';
import { SIGNIFICANT_DEVIATIONS, significanceOf, upperLimitOf, type Significance } from './significance.js';
import { FWHM_PER_SIGMA, startSettings } from './start-values.js';
import { fwhmOf } from './width.js';

export interface FittedParameter {
  readonly value: number;
  /** One standard deviation; left out where it was not fitted or is not determined. */
  readonly error?: number;
  /** `undetermined`: the likelihood does not depend on it, as on the length of a tail of 0. */
  readonly state: 'fitted' | 'fixed' | 'at limit' | 'undetermined' | 'derived';
  /** The interval of 68.3 % by the likelihood, where it was asked for. */
  readonly low?: number;
  readonly high?: number;
}

export interface FittedPeak {
  readonly centroid: FittedParameter;
  readonly fwhm: FittedParameter;
  readonly area: FittedParameter;
  readonly significance: Significance;
  /** With 95 % confidence; only of a peak that is not significant. */
  readonly areaUpperLimit?: number;
}

export interface FitResult {
  readonly model: ModelName;
  readonly background: BackgroundName;
  /** The whole channels that were fitted, and how many they are. */
  readonly range: AxisRange;
  readonly channels: number;
  readonly counts: number;
  readonly converged: boolean;
  readonly parameters: Readonly<Record<string, FittedParameter>>;
  readonly peaks: readonly FittedPeak[];
  /** Likelihood ratio to counts that the model meets exactly. */
  readonly deviance: number;
  readonly degreesOfFreedom: number;
  readonly pValue?: number;
  /** Covariance of the fitted parameters; rows and columns in the order of `names`. */
  readonly covariance: { readonly names: readonly string[]; readonly rows: readonly (readonly number[])[] };
}

/** The fitted counts of each channel, for a picture. */
export interface FitCurves {
  readonly low: number;
  readonly width: number;
  readonly expected: Float64Array;
  readonly background: Float64Array;
  /** (n − μ)/√μ. */
  readonly residuals: Float64Array;
}

const DERIVATIVE_PART = 1e-4;

/** `channels`: the whole spectrum, or at least the range. Throws BAD_OPTION. */
export function fitSpectrum(channels: Channels, options: FitOptions): FitResult {
  return fitWithCurves(channels, options).result;
}

export function fitWithCurves(
  channels: Channels,
  options: FitOptions,
): { readonly result: FitResult; readonly curves: FitCurves } {
  const fitted = fitModel(channels, options);
  return { result: resultOf(fitted, options), curves: curvesOf(fitted) };
}

interface FittedPart extends Fitted {
  readonly part: Channels;
  readonly covariance: Matrix | undefined;
}

/** The fit itself, from which results, curves and likelihood intervals are computed. */
export function fitModel(channels: Channels, options: FitOptions): FittedPart {
  const choice = modelChoice(options);
  const part = channelsBetween(channels, options.range);
  const model = new Model(choice, part);
  checkFit(model, part, options);
  const { counts } = part;
  const choices = parameterChoices(model, options);
  const placed = choice.peaks > 1 && options.centroids === undefined ? placePeaks(choice, part) : undefined;
  const centroids = placed?.centroids ?? options.centroids ?? [];
  const settings = startSettings(model, part, centroids, choices, placed?.sigma);
  const minimum = minimise(model, counts, settings);
  const covariance =
    minimum.free.length === 0
      ? undefined
      : covarianceOf(information(minimum.expected, minimum.derivatives, minimum.free));
  const errors = new Float64Array(model.names.length).fill(Number.NaN);
  minimum.free.forEach((index, place) => {
    if (covariance !== undefined) errors[index] = Math.sqrt(covariance.get(place, place));
  });
  return { part, model, counts, settings, minimum, covariance, errors };
}

function resultOf(fitted: FittedPart, options: FitOptions): FitResult {
  const { part, model, counts, settings, minimum, covariance } = fitted;
  const intervals = options.intervals === true && minimum.converged;
  const parameters: Record<string, FittedParameter> = {};
  model.names.forEach((name, index) => {
    const interval =
      intervals && minimum.free.includes(index) ? likelihoodInterval(fitted, index) : undefined;
    parameters[name] = {
      value: minimum.values[index]!,
      ...errorOf(fitted.errors[index]!),
      state: stateOf(settings[index]!, minimum.values[index]!, minimum.free.includes(index)),
      ...interval,
    };
  });
  const peaks = Array.from({ length: model.choice.peaks }, (_, peak) => {
    const width = fittedWidth(fitted, peak, parameters);
    parameters[peakParameter('fwhm', peak)] = width;
    const significance = significanceOf(fitted, peak);
    return {
      centroid: parameters[peakParameter('centroid', peak)]!,
      fwhm: width,
      area: parameters[peakParameter('area', peak)]!,
      significance,
      ...(significance.deviations < SIGNIFICANT_DEVIATIONS
        ? { areaUpperLimit: upperLimitOf(fitted, peak) }
        : {}),
    };
  });
  const degreesOfFreedom = counts.length - settings.filter(({ fixed }) => !fixed).length;
  const pValue = deviancePValue(minimum, covariance, degreesOfFreedom);
  return {
    model: model.choice.model,
    background: model.choice.background,
    range: { low: part.low, high: highEdge(part) },
    channels: counts.length,
    counts: Array.from(counts).reduce((sum, count) => sum + count, 0),
    converged: minimum.converged,
    parameters,
    peaks,
    deviance: minimum.deviance,
    degreesOfFreedom,
    ...(pValue === undefined ? {} : { pValue }),
    covariance: {
      names: covariance === undefined ? [] : minimum.free.map((index) => model.names[index]!),
      rows: covariance?.to2DArray() ?? [],
    },
  };
}

function stateOf(
  { fixed, min, max }: ParameterSetting,
  value: number,
  free: boolean,
): FittedParameter['state'] {
  if (fixed) return 'fixed';
  if (free) return 'fitted';
  return value <= min || value >= max ? 'at limit' : 'undetermined';
}

/** The FWHM of a peak, with the error that the covariance gives it. */
function fittedWidth(
  { model, minimum, covariance, errors }: FittedPart,
  peak: number,
  parameters: Readonly<Record<string, FittedParameter>>,
): FittedParameter {
  const value = fwhmOf(model.shapeOf(peak, minimum.values));
  const sigma = parameters[model.choice.commonWidth ? 'sigma' : peakParameter('sigma', peak)]!;
  if (model.choice.model === 'gauss') return ofWidth(sigma);
  const gradient = minimum.free.map((index) => {
    if (!/^(sigma\d*|tail|tailLength)$/.test(model.names[index]!)) return 0;
    const step = (errors[index]! || Math.abs(minimum.values[index]!)) * DERIVATIVE_PART;
    const at = (value: number): number => {
      const moved = minimum.values.slice();
      moved[index] = value;
      return fwhmOf(model.shapeOf(peak, moved));
    };
    const middle = minimum.values[index]!;
    return (at(middle + step) - at(middle - step)) / (2 * step);
  });
  return { value, ...errorOf(propagated(covariance, gradient)), state: 'derived' };
}

function ofWidth({ value, error, low, high, state }: FittedParameter): FittedParameter {
  return {
    value: value * FWHM_PER_SIGMA,
    ...(error === undefined ? {} : { error: error * FWHM_PER_SIGMA }),
    state,
    ...(low === undefined || high === undefined
      ? {}
      : { low: low * FWHM_PER_SIGMA, high: high * FWHM_PER_SIGMA }),
  };
}

function propagated(covariance: Matrix | undefined, gradient: readonly number[]): number {
  if (covariance === undefined) return Number.NaN;
  let variance = 0;
  gradient.forEach((one, row) => {
    gradient.forEach((other, column) => {
      variance += one * other * covariance.get(row, column);
    });
  });
  return Math.sqrt(variance);
}

function errorOf(error: number): { readonly error?: number } {
  return Number.isFinite(error) && error > 0 ? { error } : {};
}

function curvesOf({ part, model, counts, minimum }: FittedPart): FitCurves {
  const { values, expected } = minimum;
  const background = new Float64Array(expected.length);
  const withoutPeaks = values.slice();
  for (let peak = 0; peak < model.choice.peaks; peak += 1) {
    withoutPeaks[model.indexOf(peakParameter('area', peak))] = 0;
  }
  model.evaluate(withoutPeaks, background);
  const residuals = expected.map((mu, channel) =>
    mu > 0 ? ((counts[channel] ?? 0) - mu) / Math.sqrt(mu) : 0,
  );
  return { low: part.low, width: part.width, expected: expected.slice(), background, residuals };
}
