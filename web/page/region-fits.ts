/**
 * The fits of the regions of one plot: asks for a fit when counts or settings of a region change,
 * keeps the newest answer, and copies it as text. `PlotRegions` creates it. Asks the worker of
 * `fits.ts`; draws nothing.
 */
import type { FitOptions } from '../../analysis/fit/fit-options.js';
import type { FitCurves, FitResult } from '../../analysis/fit/fit-spectrum.js';
import { unitOf } from '../../plotting/measured.js';
import { channelWidth, toUnits } from '../view/axis.js';
import { fitAsCsv, fitAsJson, fitAsText, fitLines, type FittedRegion } from '../view/fit-text.js';
import type { PlotRegion, RegionFit } from '../view/region-spec.js';
import type { RegionAnswer } from '../wire/frame.js';
import { copyText } from './clipboard.js';
import type { Fits } from './fits.js';
import type { PlotSpectrum } from './plot-interface.js';

/** The newest fit of one region. */
export interface ShownFit {
  /** What was asked: region, counts and sequence. */
  readonly question: string;
  result: FitResult | undefined;
  curves: FitCurves | undefined;
  error: string | undefined;
}

export type CopyFormat = 'text' | 'csv' | 'json';

const NO_FIT: ShownFit = { question: '', result: undefined, curves: undefined, error: undefined };
const TOO_LONG: ShownFit = { ...NO_FIT, error: 'the region has too many channels to fit' };
let lastPlot = 0;

export class RegionFits {
  readonly #fits: Fits;
  readonly #answered: () => void;
  /** Distinguishes the fits of this plot from those of others. */
  readonly #key: string;
  readonly #shown = new Map<string, ShownFit>();

  /** `answered`: a fit has arrived. */
  constructor(fits: Fits, answered: () => void) {
    this.#fits = fits;
    this.#answered = answered;
    lastPlot += 1;
    this.#key = String(lastPlot);
  }

  shown(region: PlotRegion): ShownFit | undefined {
    return region.fit === undefined ? undefined : this.#shown.get(region.name);
  }

  /** Drops the fits of regions that no longer exist. */
  keepOnly(regions: readonly PlotRegion[]): void {
    const names = new Set(regions.map(({ name }) => name));
    for (const name of this.#shown.keys()) if (!names.has(name)) this.#shown.delete(name);
  }

  /** The newest fit as lines; asks for another one when counts or settings have changed. */
  lines(
    region: PlotRegion,
    spectrum: PlotSpectrum | undefined,
    answer: RegionAnswer | undefined,
  ): readonly string[] {
    const fit = region.fit === undefined ? undefined : this.#fitOf(region, region.fit, spectrum, answer);
    if (fit === undefined) return [];
    if (fit.error !== undefined) return [fit.error];
    return fit.result === undefined ? ['fitting …'] : fitLines(fit.result, aboutRegion(region, '', spectrum));
  }

  async copy(
    region: PlotRegion,
    name: string,
    spectrum: PlotSpectrum | undefined,
    format: CopyFormat,
  ): Promise<void> {
    const result = this.shown(region)?.result;
    if (result === undefined) return;
    const formats = { text: fitAsText, csv: fitAsCsv, json: fitAsJson };
    await copyText(formats[format](result, aboutRegion(region, name, spectrum)));
  }

  #fitOf(
    region: PlotRegion,
    fit: RegionFit,
    spectrum: PlotSpectrum | undefined,
    answer: RegionAnswer | undefined,
  ): ShownFit | undefined {
    const shown = this.#shown.get(region.name);
    const counts = answer?.counts;
    if (spectrum === undefined || answer === undefined) return shown;
    if (counts === undefined) return TOO_LONG;
    const { axis, frame } = spectrum;
    const [low, width] = [toUnits(axis, region.x[0]), channelWidth(axis)];
    const { sequence, spanS } = frame?.head ?? {};
    const question = JSON.stringify([region.x, region.spectrum, fit, sequence, spanS, low, width]);
    if (shown?.question === question) return shown;
    const next: ShownFit = { ...(shown ?? NO_FIT), question };
    this.#shown.set(region.name, next);
    const channels = { counts, low, width };
    const options = optionsOf(fit, { low, high: low + counts.length * width });
    this.#fits.ask({ key: `${this.#key}/${region.name}`, channels, options }, (received) => {
      const newest = this.#shown.get(region.name);
      if (newest === undefined) return;
      if ('error' in received)
        Object.assign(newest, { error: received.error, result: undefined, curves: undefined });
      else Object.assign(newest, { error: undefined, result: received.result, curves: received.curves });
      this.#answered();
    });
    return next;
  }
}

function aboutRegion(
  { name }: PlotRegion,
  spectrumName: string,
  spectrum: PlotSpectrum | undefined,
): FittedRegion {
  return {
    region: name,
    spectrum: spectrumName,
    unit: unitOf(spectrum?.axis.label ?? ''),
    calibration: spectrum?.calibration,
    atMs: spectrum?.frame?.head.atMs ?? 0,
  };
}

function optionsOf(
  { model, background, peaks, freeWidths }: RegionFit,
  range: FitOptions['range'],
): FitOptions {
  return { range, model, background, commonWidth: !freeWidths, ...(model === 'none' ? {} : { peaks }) };
}
