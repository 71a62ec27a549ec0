/**
 * The regions of a plot and their text in the address bar. `plot-spec.ts` formats and parses plots
 * with it; the plot of the page draws them. Pure.
 *
 *     g=A,0,200-300         region A of the first spectrum, channels 200 to 299
 *     g=A,1,200-300,gauss.1.2   with a fit: model, background, number of peaks (`f`: free widths)
 *     g=A,0,10-20,30-40     of a map: columns and rows
 */
import {
  BACKGROUND_NAMES,
  MODEL_NAMES,
  type BackgroundName,
  type ModelName,
} from '../../analysis/model/names.js';
import type { ChannelRange } from '../wire/ranges.js';

/** What is fitted in a region. */
export interface RegionFit {
  readonly model: ModelName;
  readonly background: BackgroundName;
  readonly peaks: number;
  readonly freeWidths: boolean;
}

export interface PlotRegion {
  readonly name: string;
  /** Index of its spectrum in the plot; the channels are those of that spectrum. */
  readonly spectrum: number;
  readonly x: ChannelRange;
  /** 2-D only. */
  readonly y?: ChannelRange | undefined;
  readonly fit?: RegionFit | undefined;
}

export const FIT_PEAKS_MAX = 4;
const NAME_CHARACTERS_MAX = 24;
const FIT = /^([a-z]+)\.([a-z0-9]+)\.([0-4])(f?)$/;

export const DEFAULT_FIT: RegionFit = { model: 'gauss', background: '1', peaks: 1, freeWidths: false };

export function formatRegion({ name, spectrum, x, y, fit }: PlotRegion): string {
  const parts = [encodeURIComponent(name), String(spectrum), rangeText(x)];
  if (y !== undefined) parts.push(rangeText(y));
  if (fit !== undefined) {
    parts.push(`${fit.model}.${fit.background}.${fit.peaks}${fit.freeWidths ? 'f' : ''}`);
  }
  return parts.join(',');
}

/** Undefined for an invalid text. */
export function parseRegion(text: string): PlotRegion | undefined {
  const [encoded = '', index = '', first = '', ...rest] = text.split(',');
  const x = parseRange(first);
  const name = regionName(decoded(encoded));
  if (x === undefined || !/^[0-7]$/.test(index) || name === '') return undefined;
  const y = parseRange(rest[0]);
  const fit = parseFit(y === undefined ? rest[0] : rest[1]);
  return {
    name,
    spectrum: Number(index),
    x,
    ...(y === undefined ? {} : { y }),
    ...(fit === undefined ? {} : { fit }),
  };
}

/** A name as it may be shown and stored. */
export function regionName(text: string): string {
  return text.trim().slice(0, NAME_CHARACTERS_MAX);
}

/** The first of A, B, …, Z, A1, … that no region has. */
export function freeRegionName(regions: readonly PlotRegion[]): string {
  const used = new Set(regions.map(({ name }) => name));
  for (let index = 0; ; index += 1) {
    const letter = String.fromCharCode(65 + (index % 26));
    const name = index < 26 ? letter : `${letter}${Math.floor(index / 26)}`;
    if (!used.has(name)) return name;
  }
}

export function rangeText(range: ChannelRange): string {
  return `${range[0]}-${range[1]}`;
}

export function parseRange(text: string | undefined): ChannelRange | undefined {
  const match = /^(\d{1,9})-(\d{1,9})$/.exec(text ?? '');
  if (match === null) return undefined;
  const [from, to] = [Number(match[1]), Number(match[2])];
  return from < to ? [from, to] : undefined;
}

function parseFit(text: string | undefined): RegionFit | undefined {
  const [, model, background, peaks, free] = FIT.exec(text ?? '') ?? [];
  const knownModel = MODEL_NAMES.find((name) => name === model);
  const knownBackground = BACKGROUND_NAMES.find((name) => name === background);
  if (knownModel === undefined || knownBackground === undefined) return undefined;
  if (knownModel === 'none' && knownBackground === 'none') return undefined;
  return {
    model: knownModel,
    background: knownBackground,
    peaks: Math.max(1, Number(peaks)),
    freeWidths: free === 'f',
  };
}

/** Empty for an invalid escape sequence. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
