/**
 * Fits and peak searches as people and programs write them: words of a command line, or of an
 * address. The console and the web server parse them here, so both take the same. Pure.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { AxisRange } from '../channels.js';
import type { FitOptions } from '../fit/fit-options.js';
import type { ParameterChoice } from '../fit/start-values.js';
import { BACKGROUND_NAMES } from '../model/background.js';
import { MODEL_NAMES } from '../model/model.js';
import type { PeakSearchOptions } from '../peaks/find-peaks.js';

export interface FitWords {
  readonly range: string;
  readonly model?: string | undefined;
  readonly background?: string | undefined;
  readonly peaks?: string | undefined;
  /** Places of the peaks, with commas. */
  readonly at?: string | undefined;
  readonly widths?: string | undefined;
  /** Parameters with commas: `fwhm=3.1` fixed, `centroid=1330..1335` bounded, `tail=~0.1` start. */
  readonly set?: string | undefined;
  readonly intervals?: boolean | undefined;
}

export interface PeakWords {
  readonly range?: string | undefined;
  readonly threshold?: string | undefined;
  readonly fwhm?: string | undefined;
}

const NUMBER = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?`;
const RANGE = new RegExp(`^\\s*(${NUMBER})\\s*(?:-|:|\\.\\.)\\s*(${NUMBER})\\s*$`);
const SETTING = new RegExp(`^\\s*([a-zA-Z]+\\d*)\\s*=\\s*(~?)(${NUMBER})(?:\\.\\.(${NUMBER}))?\\s*$`);

/** Throws BAD_OPTION with the word, the value found and what is allowed. */
export function fitOptionsOf(words: FitWords): FitOptions {
  const { model, background, peaks, at, widths, set, intervals } = words;
  if (widths !== undefined && widths !== 'common' && widths !== 'free') {
    throw badWord('widths', widths, 'common or free');
  }
  return {
    range: rangeOf('range', words.range),
    ...(model === undefined ? {} : { model: oneOf('model', model, MODEL_NAMES) }),
    ...(background === undefined ? {} : { background: oneOf('background', background, BACKGROUND_NAMES) }),
    ...(peaks === undefined ? {} : { peaks: numberOf('peaks', peaks) }),
    ...(at === undefined ? {} : { centroids: at.split(',').map((place) => numberOf('at', place)) }),
    ...(widths === undefined ? {} : { commonWidth: widths === 'common' }),
    ...(set === undefined ? {} : { parameters: parametersOf(set) }),
    ...(intervals === undefined ? {} : { intervals }),
  };
}

/** Throws BAD_OPTION. */
export function peakOptionsOf({ range, threshold, fwhm }: PeakWords): PeakSearchOptions {
  return {
    ...(range === undefined ? {} : { range: rangeOf('range', range) }),
    ...(threshold === undefined ? {} : { threshold: numberOf('threshold', threshold) }),
    ...(fwhm === undefined ? {} : { fwhm: numberOf('fwhm', fwhm) }),
  };
}

/** `1310-1355`, `1310:1355` or `-5..5`, in units of the axis. */
export function rangeOf(word: string, text: string): AxisRange {
  const match = RANGE.exec(text);
  const [low, high] = [Number(match?.[1]), Number(match?.[2])];
  if (low < high) return { low, high };
  throw badWord(word, text, 'LOW-HIGH in units of the axis, such as 1310-1355 or -5..5');
}

function parametersOf(text: string): Record<string, ParameterChoice> {
  const choices: Record<string, ParameterChoice> = {};
  for (const part of text.split(',')) {
    const [, name, start, first, last] = SETTING.exec(part) ?? [];
    if (name === undefined || first === undefined || (start === '~' && last !== undefined)) {
      throw badWord('set', part, 'fwhm=3.1 (fixed), centroid=1330..1335 (within) or tail=~0.1 (start)');
    }
    if (last !== undefined) choices[name] = { min: Number(first), max: Number(last) };
    else choices[name] = { value: Number(first), fixed: start !== '~' };
  }
  return choices;
}

function oneOf<T extends string>(word: string, text: string, names: readonly T[]): T {
  const name = names.find((known) => known === text);
  if (name === undefined) throw badWord(word, text, `one of ${names.join(', ')}`);
  return name;
}

function numberOf(word: string, text: string): number {
  if (!new RegExp(`^\\s*${NUMBER}\\s*$`).test(text)) throw badWord(word, text, 'a number');
  return Number(text);
}

function badWord(word: string, text: string, allowed: string): MirrorflowError {
  return new MirrorflowError(
    'BAD_OPTION',
    `${word} is ${JSON.stringify(text.slice(0, 80))}; it must be ${allowed}`,
    { option: word },
  );
}
