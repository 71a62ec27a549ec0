/**
 * What a fit is asked for, and the check of it: page, console and calls hand it in as they got it.
 * Pure.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { AxisRange, Channels } from '../channels.js';
import { BACKGROUND_NAMES, type BackgroundName } from '../model/background.js';
import { MODEL_NAMES, type Model, type ModelChoice, type ModelName } from '../model/model.js';
import { FWHM_PER_SIGMA, type ParameterChoice } from './start-values.js';

export interface FitOptions {
  readonly range: AxisRange;
  /** Default: `gauss`. */
  readonly model?: ModelName;
  /** Default: `1`, a straight line. */
  readonly background?: BackgroundName;
  /** Number of peaks; default: that of `centroids`, or one. */
  readonly peaks?: number;
  /** Where the peaks are, roughly, in units of the axis; default: the highest places. */
  readonly centroids?: readonly number[];
  /** Whether all peaks have one width; default: true. */
  readonly commonWidth?: boolean;
  /** Values, limits and fixing by the name of the parameter; `fwhm` stands for `sigma` too. */
  readonly parameters?: Readonly<Record<string, ParameterChoice>>;
  /** Whether `low` and `high` of each parameter are computed by the likelihood. */
  readonly intervals?: boolean;
}

export const PEAKS_MAX = 12;
export const FIT_CHANNELS_MAX = 16_384;

/** The model of the options; throws BAD_OPTION for what it cannot be. */
export function modelChoice(options: FitOptions): ModelChoice {
  const { model = 'gauss', background = '1', centroids = [], commonWidth = true } = options;
  const peaks = model === 'none' ? 0 : (options.peaks ?? Math.max(1, centroids.length));
  if (!MODEL_NAMES.includes(model)) throw badOption('model', model, `one of ${MODEL_NAMES.join(', ')}`);
  if (!BACKGROUND_NAMES.includes(background)) {
    throw badOption('background', background, `one of ${BACKGROUND_NAMES.join(', ')}`);
  }
  if (!Number.isInteger(peaks) || peaks < 0 || peaks > PEAKS_MAX || (peaks === 0 && model !== 'none')) {
    throw badOption('peaks', peaks, `a whole number from 1 to ${PEAKS_MAX}`);
  }
  if (model === 'none' && background === 'none') {
    throw badOption('background', background, 'a background where there is no peak');
  }
  if (centroids.length > 0 && centroids.length !== peaks) {
    throw badOption('centroids', centroids.join(', '), `one place for each of ${peaks} peaks`);
  }
  return { model, background, peaks, commonWidth };
}

/** Throws BAD_OPTION for counts that cannot determine the parameters, and for places outside. */
export function checkFit(model: Model, channels: Channels, options: FitOptions): void {
  const { length } = channels.counts;
  const { centroids = [], parameters = {} } = options;
  if (length > FIT_CHANNELS_MAX) {
    throw badOption('range', `${length} channels`, `at most ${FIT_CHANNELS_MAX} channels`);
  }
  const fixed = Object.values(parameters).filter((choice) => choice.fixed === true).length;
  if (length <= model.names.length - fixed) {
    throw badOption('range', `${length} channels`, `more channels than the ${model.names.length} parameters`);
  }
  const [low, high] = [channels.low, channels.low + length * channels.width];
  const outside = centroids.find((centroid) => !(centroid >= low && centroid <= high));
  if (outside !== undefined) throw badOption('centroids', outside, `places from ${low} to ${high}`);
  for (let channel = 0; channel < length; channel += 1) {
    const count = channels.counts[channel]!;
    if (!Number.isFinite(count) || count < 0) throw badOption('counts', count, 'counts of 0 and above');
  }
}

/** The choices by the model's own names; throws BAD_OPTION for a name that it does not have. */
export function parameterChoices(model: Model, options: FitOptions): Record<string, ParameterChoice> {
  const choices: Record<string, ParameterChoice> = {};
  for (const [name, choice] of Object.entries(options.parameters ?? {})) {
    for (const value of [choice.value, choice.min, choice.max]) {
      if (value !== undefined && !Number.isFinite(value)) throw badOption(name, value, 'a number');
    }
    if (choice.fixed === true && choice.value === undefined) {
      throw badOption(name, 'no value', 'a value at which it is fixed');
    }
    if ((choice.min ?? -Infinity) > (choice.max ?? Infinity)) {
      throw badOption(name, `${choice.min} to ${choice.max}`, 'limits in ascending order');
    }
    const isWidth = /^fwhm\d*$/.test(name);
    const own = isWidth ? name.replace('fwhm', 'sigma') : name;
    if (model.indexOf(own) < 0) {
      const known = model.names.map((known) => known.replace('sigma', 'fwhm')).join(', ');
      throw badOption('parameter', name, `one of ${known}`);
    }
    choices[own] = isWidth ? scaled(choice, 1 / FWHM_PER_SIGMA) : choice;
    const sigma = choices[own];
    if (
      own.startsWith('sigma') &&
      [sigma.value, sigma.min].some((value) => value !== undefined && value <= 0)
    ) {
      throw badOption(name, choice.value ?? choice.min, 'a width above 0');
    }
  }
  return choices;
}

function scaled(choice: ParameterChoice, factor: number): ParameterChoice {
  return {
    ...choice,
    ...(choice.value === undefined ? {} : { value: choice.value * factor }),
    ...(choice.min === undefined ? {} : { min: choice.min * factor }),
    ...(choice.max === undefined ? {} : { max: choice.max * factor }),
  };
}

function badOption(option: string, found: unknown, wanted: string): MirrorflowError {
  return new MirrorflowError(
    'BAD_OPTION',
    `the fit cannot use ${option} ${String(found)}: it takes ${wanted}`,
    {
      option,
      found: String(found),
    },
  );
}
