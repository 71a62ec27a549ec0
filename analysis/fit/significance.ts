/**
 * Whether a peak is there: the likelihood ratio to the model without it, and an upper limit of its
 * area where it is not significant. Used by `fitSpectrum`. Pure.
 */
import { peakParameter } from '../model/model.js';
import { chiSquareProbability } from '../numerics/chi-square.js';
import { minimise } from './minimise.js';
import type { Fitted } from './signed-root.js';

export interface Significance {
  /** Deviance without the peak less that with it. */
  readonly likelihoodRatio: number;
  /** Square root of `likelihoodRatio`: standard deviations, at this place. */
  readonly deviations: number;
  /** The probability of such a peak at this place, of this shape, where there is none. */
  readonly pValue: number;
}

/** Below this many standard deviations a peak gets an upper limit. */
export const SIGNIFICANT_DEVIATIONS = 3;
/** One-sided with 95 % confidence: 1.645². */
const LIMIT_DEVIANCE = 2.705543;
const DOUBLINGS_MAX = 60;
const HALVINGS = 40;

export function significanceOf(fitted: Fitted, peak: number): Significance {
  const area = fitted.model.indexOf(peakParameter('area', peak));
  const likelihoodRatio = Math.max(0, devianceAt(fitted, area, 0) - fitted.minimum.deviance);
  return {
    likelihoodRatio,
    deviations: Math.sqrt(likelihoodRatio),
    // An area is not negative: half of the spectra without a peak have a ratio of 0.
    pValue: chiSquareProbability(likelihoodRatio, 1) / 2,
  };
}

/** The largest area that 95 % confidence allows, place and shape of the peak as they are. */
export function upperLimitOf(fitted: Fitted, peak: number): number {
  const area = fitted.model.indexOf(peakParameter('area', peak));
  const excess = (value: number): number =>
    devianceAt(fitted, area, value) - fitted.minimum.deviance - LIMIT_DEVIANCE;
  let low = fitted.minimum.values[area]!;
  let step = Math.max(1, fitted.errors[area]! > 0 ? fitted.errors[area]! : 0);
  let high = low + step;
  for (let doubling = 0; doubling < DOUBLINGS_MAX && excess(high) < 0; doubling += 1) {
    low = high;
    step *= 2;
    high += step;
  }
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = (low + high) / 2;
    if (excess(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The deviance with this area; areas and background are fitted again, the shapes stay. */
function devianceAt({ model, counts, settings, minimum }: Fitted, area: number, value: number): number {
  const free = new Set(
    model.names.flatMap((name, index) =>
      index !== area &&
      (name.startsWith('area') || name.startsWith('background') || name === 'height' || name === 'slope')
        ? [index]
        : [],
    ),
  );
  const constrained = settings.map((setting, index) =>
    free.has(index)
      ? { ...setting, start: minimum.values[index]! }
      : index === area
        ? { start: value, min: value, max: value, fixed: true }
        : { ...setting, start: minimum.values[index]!, fixed: true },
  );
  return minimise(model, counts, constrained).deviance;
}
