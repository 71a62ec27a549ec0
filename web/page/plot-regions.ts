/**
 * The regions of one plot: which one is selected, their figures and fits in the table, their
 * drawing, and moving them. `Plot` creates it and calls it with each drawing; input reaches it
 * through `PlotHandle.regions`. Asks for fits; changes the plot only through `PlotHandle`.
 */
import type { FitOptions } from '../../analysis/fit/fit-options.js';
import type { FitCurves, FitResult } from '../../analysis/fit/fit-spectrum.js';
import { unitOf } from '../../plotting/measured.js';
import { channelWidth, toUnits } from '../view/axis.js';
import { fitAsCsv, fitAsJson, fitAsText, fitLines, type FittedRegion } from '../view/fit-text.js';
import { limitTexts, rangeOfLimits, regionCells } from '../view/region-cells.js';
import { freeRegionName, type PlotRegion, type RegionFit } from '../view/region-spec.js';
import type { RegionAnswer } from '../wire/frame.js';
import { REGIONS_MAX, type ChannelRange, type RegionRequest } from '../wire/messages.js';
import { copyText } from './clipboard.js';
import { drawFit } from './draw-fit.js';
import { drawRegion, type MarkArea } from './draw-marks.js';
import type { Fits } from './fits.js';
import { channelToX } from './plot-area.js';
import type { ChannelPart, PlotHandle, PlotSpectrum, RegionGrip } from './plot-interface.js';
import { RegionTable, type RegionRow } from './region-table.js';
import { currentPalette } from './theme.js';

/** The newest fit of one region. */
interface ShownFit {
  /** What was asked: region, counts and sequence. */
  readonly question: string;
  result: FitResult | undefined;
  curves: FitCurves | undefined;
  error: string | undefined;
}

/** Pixels beside a limit within which it can be dragged. */
const GRIP_PX = 5;
/** The strip at the top by which a whole region is dragged. */
const TITLE_PX = 16;
let lastPlot = 0;

export class PlotRegions {
  readonly element: HTMLElement;
  readonly #plot: PlotHandle;
  readonly #fits: Fits;
  readonly #table: RegionTable;
  /** Distinguishes the fits of this plot from those of others. */
  readonly #key: string;
  readonly #shown = new Map<string, ShownFit>();
  #selected = 0;

  constructor(plot: PlotHandle, fits: Fits) {
    this.#plot = plot;
    this.#fits = fits;
    lastPlot += 1;
    this.#key = String(lastPlot);
    this.#table = new RegionTable({
      changed: (index, region) => this.#replace(index, region),
      limitsTyped: (index, low, high) => this.#typed(index, low, high),
      selected: (index) => this.#select(index),
      copied: (index, format) => void this.#copy(index, format),
    });
    this.element = this.#table.element;
  }

  /** The regions of one spectrum of the plot, for its subscription. */
  requestsFor(spectrum: number): readonly RegionRequest[] | undefined {
    const requests = this.#all.filter((region) => region.spectrum === spectrum).map(requestOf);
    return requests.length === 0 ? undefined : requests;
  }

  /** Adds a region in channels of the plot, and selects it. */
  add(part: ChannelPart, fit?: RegionFit): void {
    const regions = this.#all;
    if (regions.length >= REGIONS_MAX) return;
    this.#selected = regions.length;
    const { x, y } = part;
    const region = { name: freeRegionName(regions), spectrum: 0, x, ...(y === undefined ? {} : { y }) };
    this.#plot.change({ regions: [...regions, fit === undefined ? region : { ...region, fit }] });
  }

  removeSelected(): void {
    this.#replace(Math.min(this.#selected, this.#all.length - 1), undefined);
  }

  selectNext(): void {
    this.#select((this.#selected + 1) % Math.max(1, this.#all.length));
  }

  /** Moves both limits of the selected region by channels; with `widen` away from each other. */
  moveSelected(channels: number, widen: boolean): void {
    const region = this.#all[this.#selected];
    if (region === undefined) return;
    this.moveTo(this.#selected, [region.x[0] + (widen ? -channels : channels), region.x[1] + channels]);
  }

  /** Moves a region, in channels of its spectrum, as far as the axis reaches. */
  moveTo(index: number, [from, to]: ChannelRange): void {
    const region = this.#all[index];
    const axis = region === undefined ? undefined : this.#spectrumOf(region)?.axis;
    if (region === undefined || axis === undefined) return;
    const [first, last] = axis.inRange;
    const start = Math.max(first, Math.min(Math.round(from), last - 1));
    const x: ChannelRange = [start, Math.min(last, Math.max(start + 1, Math.round(to)))];
    this.#replace(index, { ...region, x });
  }

  /** The limit or the title of a region at a place of the canvas, in CSS pixels. */
  gripAt(x: number, y: number): RegionGrip | undefined {
    const { area, ranges } = this.#plot;
    if (area === undefined || ranges === undefined || !this.#plot.isOneDimensional) return undefined;
    for (let index = this.#all.length - 1; index >= 0; index -= 1) {
      const region = this.#all[index];
      const placed = region === undefined ? undefined : this.#placed(region);
      if (region === undefined || placed === undefined) continue;
      const [left, right] = placed.map((channel) => channelToX(area, ranges.x, channel)) as [number, number];
      const common = { index, x: region.x, spectrum: region.spectrum };
      if (Math.abs(x - left) <= GRIP_PX) return { ...common, part: 'low' };
      if (Math.abs(x - right) <= GRIP_PX) return { ...common, part: 'high' };
      if (x > left && x < right && y - area.top < TITLE_PX) return { ...common, part: 'whole' };
    }
    return undefined;
  }

  /** Updates table and fits from the newest frames. */
  update(): void {
    const rows = this.#all.map((region, index) => this.#row(region, index));
    this.#table.update(rows, this.#plot.spec.spectra);
    const names = new Set(this.#all.map(({ name }) => name));
    for (const name of this.#shown.keys()) if (!names.has(name)) this.#shown.delete(name);
  }

  draw(context: CanvasRenderingContext2D, markArea: MarkArea): void {
    const { countView, ranges } = this.#plot;
    this.#all.forEach((region, index) => {
      const placed = this.#placed(region);
      if (placed === undefined) return;
      const colour = colourOf(index);
      const selected = index === this.#selected;
      drawRegion(context, markArea, { x: placed, y: region.y }, colour, { name: region.name, selected });
      const curves = region.fit === undefined ? undefined : this.#shown.get(region.name)?.curves;
      if (curves === undefined || countView === undefined || ranges === undefined) return;
      const places = this.#placesOf(region, curves);
      if (places !== undefined) drawFit(context, markArea.area, ranges.x, curves, places, countView, colour);
    });
  }

  /** Fitted centroids of one spectrum, for its calibration. */
  fittedPlaces(spectrum: number): { readonly position: number; readonly error: number }[] {
    return this.#all.flatMap((region) => {
      if (region.spectrum !== spectrum || region.fit === undefined) return [];
      const peaks = this.#shown.get(region.name)?.result?.peaks ?? [];
      return peaks.map(({ centroid }) => ({ position: centroid.value, error: centroid.error ?? 0 }));
    });
  }

  get #all(): readonly PlotRegion[] {
    return this.#plot.spec.regions;
  }

  #select(index: number): void {
    if (index === this.#selected) return;
    this.#selected = index;
    this.#plot.redraw();
  }

  #replace(index: number, region: PlotRegion | undefined): void {
    const regions = this.#all.flatMap((other, at) => (at === index ? (region ?? []) : other));
    this.#selected = Math.min(index, Math.max(0, regions.length - 1));
    this.#plot.change({ regions });
  }

  #typed(index: number, low: string, high: string): boolean {
    const region = this.#all[index];
    const axis = region === undefined ? undefined : this.#spectrumOf(region)?.axis;
    if (region === undefined || axis === undefined) return false;
    const x = rangeOfLimits(low, high, axis, this.#plot.spec.channels);
    if (x === undefined) return false;
    this.#replace(index, { ...region, x });
    return true;
  }

  #spectrumOf({ spectrum }: PlotRegion): PlotSpectrum | undefined {
    return this.#plot.spectrum(spectrum);
  }

  /** The limits of a region in channels of the plot. */
  #placed(region: PlotRegion): ChannelRange | undefined {
    const spectrum = this.#spectrumOf(region);
    if (spectrum === undefined) return undefined;
    const { scale, offset } = spectrum.placement;
    return [offset + region.x[0] * scale, offset + region.x[1] * scale];
  }

  #placesOf(region: PlotRegion, { low, width, expected }: FitCurves): Float64Array | undefined {
    const spectrum = this.#spectrumOf(region);
    if (spectrum === undefined) return undefined;
    const { axis, placement } = spectrum;
    const first = axis.inRange[0] + (low - axis.low) / channelWidth(axis);
    const step = width / channelWidth(axis);
    return Float64Array.from({ length: expected.length + 1 }, (_, edge) => {
      return placement.offset + (first + edge * step) * placement.scale;
    });
  }

  #answerOf(region: PlotRegion): RegionAnswer | undefined {
    const answers = this.#spectrumOf(region)?.frame?.head.regions ?? [];
    return answers.find(({ x, y }) => sameRange(x, region.x) && sameRange(y, region.y));
  }

  #row(region: PlotRegion, index: number): RegionRow {
    const spectrum = this.#spectrumOf(region);
    const answer = this.#answerOf(region);
    const inChannels = this.#plot.spec.channels;
    const axis = spectrum?.axis;
    const fit = region.fit === undefined ? undefined : this.#fitOf(region, answer);
    const style = { inChannels, calibration: spectrum?.calibration };
    const yAxis = this.#plot.isOneDimensional ? undefined : this.#plot.axes?.y;
    return {
      region,
      colour: colourOf(index),
      limits: axis === undefined ? ['', ''] : limitTexts(region.x, axis, inChannels),
      cells: answer === undefined || axis === undefined ? undefined : regionCells(answer, axis, yAxis, style),
      fitLines: this.#fitLines(region, fit),
      selected: index === this.#selected,
    };
  }

  #fitLines(region: PlotRegion, fit: ShownFit | undefined): readonly string[] {
    if (fit === undefined) return [];
    if (fit.error !== undefined) return [fit.error];
    return fit.result === undefined ? ['fitting …'] : fitLines(fit.result, this.#about(region));
  }

  #about(region: PlotRegion): FittedRegion {
    const spectrum = this.#spectrumOf(region);
    return {
      region: region.name,
      spectrum: this.#plot.spec.spectra[region.spectrum] ?? '',
      unit: unitOf(spectrum?.axis.label ?? ''),
      calibration: spectrum?.calibration,
      atMs: spectrum?.frame?.head.atMs ?? 0,
    };
  }

  /** The newest fit of a region; asks for another one when its counts or settings changed. */
  #fitOf(region: PlotRegion, answer: RegionAnswer | undefined): ShownFit | undefined {
    const { fit } = region;
    const spectrum = this.#spectrumOf(region);
    const shown = this.#shown.get(region.name);
    const counts = answer?.counts;
    if (fit === undefined || spectrum === undefined || counts === undefined) {
      if (answer === undefined || counts !== undefined || fit === undefined) return shown;
      return {
        question: '',
        result: undefined,
        curves: undefined,
        error: 'the region has too many channels to fit',
      };
    }
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
      this.#plot.redraw();
    });
    return next;
  }

  async #copy(index: number, format: 'text' | 'csv' | 'json'): Promise<void> {
    const region = this.#all[index];
    const result = region === undefined ? undefined : this.#shown.get(region.name)?.result;
    if (region === undefined || result === undefined) return;
    const formats = { text: fitAsText, csv: fitAsCsv, json: fitAsJson };
    await copyText(formats[format](result, this.#about(region)));
  }
}

const NO_FIT: ShownFit = { question: '', result: undefined, curves: undefined, error: undefined };

function requestOf({ x, y, fit }: PlotRegion): RegionRequest {
  return { x, ...(y === undefined ? {} : { y }), ...(fit === undefined ? {} : { counts: true }) };
}

function optionsOf(
  { model, background, peaks, freeWidths }: RegionFit,
  range: FitOptions['range'],
): FitOptions {
  return { range, model, background, commonWidth: !freeWidths, ...(model === 'none' ? {} : { peaks }) };
}

function sameRange(one: ChannelRange | undefined, other: ChannelRange | undefined): boolean {
  return one?.[0] === other?.[0] && one?.[1] === other?.[1];
}

/** From the end of the colours, since overlaid spectra have the first ones. */
function colourOf(index: number): string {
  const { series, region } = currentPalette();
  return index === 0 ? region : (series[series.length - (index % series.length)] ?? region);
}
