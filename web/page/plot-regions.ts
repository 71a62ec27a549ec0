/**
 * The regions of one plot: which one is selected, their figures in the table, their drawing, and
 * moving them; fits are in `region-fits.ts`. `Plot` creates it and calls it with each drawing;
 * input reaches it through `PlotHandle.regions`. Changes the plot only through `PlotHandle`.
 */
import type { FitCurves } from '../../analysis/fit/fit-spectrum.js';
import { channelWidth } from '../view/axis.js';
import { limitTexts, rangeOfLimits, regionCells } from '../view/region-cells.js';
import { freeRegionName, type PlotRegion, type RegionFit } from '../view/region-spec.js';
import type { RegionAnswer } from '../wire/frame.js';
import type { ChannelRange } from '../wire/ranges.js';
import { REGIONS_MAX, type RegionRequest } from '../wire/subscription.js';
import { drawFit } from './draw-fit.js';
import { drawRegion, type MarkArea } from './draw-marks.js';
import type { Fits } from './fits.js';
import { channelToX } from './plot-area.js';
import type { ChannelPart, PlotHandle, PlotSpectrum, RegionGrip } from './plot-interface.js';
import { RegionFits } from './region-fits.js';
import { RegionTable, type RegionRow } from './region-table.js';
import { currentPalette } from './theme.js';

/** The strip at the top by which a whole region is dragged. */
const TITLE_PX = 16;

export class PlotRegions {
  readonly element: HTMLElement;
  readonly #plot: PlotHandle;
  readonly #fits: RegionFits;
  readonly #table: RegionTable;
  #selected = 0;

  constructor(plot: PlotHandle, fits: Fits) {
    this.#plot = plot;
    this.#fits = new RegionFits(fits, () => plot.redraw());
    this.#table = new RegionTable({
      changed: (index, region) => this.#replace(index, region),
      limitsTyped: (index, low, high) => this.#typed(index, low, high),
      selected: (index) => this.#select(index),
      copied: (index, format) => {
        const region = this.#all[index];
        if (region === undefined) return;
        const name = plot.spec.spectra[region.spectrum] ?? '';
        void this.#fits.copy(region, name, this.#spectrumOf(region), format);
      },
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
    if (regions.length >= REGIONS_MAX) {
      return this.#plot.notices.show(`A plot has at most ${REGIONS_MAX} regions: remove one first.`);
    }
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
    const [from, to] = region.x;
    const moved = this.#moved(this.#selected, [from + (widen ? -channels : channels), to + channels]);
    this.#plot.change({ regions: moved }, `move region ${region.name}`);
  }

  previewMove(index: number, x: ChannelRange): void {
    this.#plot.preview({ regions: this.#moved(index, x) });
  }

  /** The limit or the title of a region at a place of the canvas, in CSS pixels. */
  gripAt(x: number, y: number, reachPx: number): RegionGrip | undefined {
    const { area, ranges } = this.#plot;
    if (area === undefined || ranges === undefined || !this.#plot.isOneDimensional) return undefined;
    for (let index = this.#all.length - 1; index >= 0; index -= 1) {
      const region = this.#all[index];
      const placed = region === undefined ? undefined : this.#placed(region);
      if (region === undefined || placed === undefined) continue;
      const [left, right] = placed.map((channel) => channelToX(area, ranges.x, channel)) as [number, number];
      const common = { index, x: region.x, spectrum: region.spectrum };
      if (Math.abs(x - left) <= reachPx) return { ...common, part: 'low' };
      if (Math.abs(x - right) <= reachPx) return { ...common, part: 'high' };
      if (x > left && x < right && y - area.top < TITLE_PX) return { ...common, part: 'whole' };
    }
    return undefined;
  }

  /** Updates table and fits from the newest frames. */
  update(): void {
    const rows = this.#all.map((region, index) => this.#row(region, index));
    this.#table.update(rows, this.#plot.spec.spectra);
    this.#fits.keepOnly(this.#all);
  }

  draw(context: CanvasRenderingContext2D, markArea: MarkArea): void {
    const { countView, ranges } = this.#plot;
    this.#all.forEach((region, index) => {
      const placed = this.#placed(region);
      if (placed === undefined) return;
      const colour = colourOf(index);
      const selected = index === this.#selected;
      drawRegion(context, markArea, { x: placed, y: region.y }, colour, { name: region.name, selected });
      const curves = this.#fits.shown(region)?.curves;
      if (curves === undefined || countView === undefined || ranges === undefined) return;
      const places = this.#placesOf(region, curves);
      if (places !== undefined) drawFit(context, markArea.area, ranges.x, curves, places, countView, colour);
    });
  }

  /** Fitted centroids of one spectrum, for its calibration. */
  fittedPlaces(spectrum: number): { readonly position: number; readonly error: number }[] {
    return this.#all.flatMap((region) => {
      if (region.spectrum !== spectrum) return [];
      const peaks = this.#fits.shown(region)?.result?.peaks ?? [];
      return peaks.map(({ centroid }) => ({ position: centroid.value, error: centroid.error ?? 0 }));
    });
  }

  get #all(): readonly PlotRegion[] {
    return this.#plot.spec.regions;
  }

  /** The regions with one moved, in channels of its spectrum, as far as the axis reaches. */
  #moved(index: number, [from, to]: ChannelRange): readonly PlotRegion[] {
    const region = this.#all[index];
    const axis = region === undefined ? undefined : this.#spectrumOf(region)?.axis;
    if (axis === undefined) return this.#all;
    const [first, last] = axis.inRange;
    const start = Math.max(first, Math.min(Math.round(from), last - 1));
    const x: ChannelRange = [start, Math.min(last, Math.max(start + 1, Math.round(to)))];
    return this.#all.map((other, at) => (at === index ? { ...other, x } : other));
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
    const style = { inChannels, calibration: spectrum?.calibration };
    const yAxis = this.#plot.isOneDimensional ? undefined : this.#plot.axes?.y;
    return {
      region,
      colour: colourOf(index),
      limits: axis === undefined ? ['', ''] : limitTexts(region.x, axis, inChannels),
      cells: answer === undefined || axis === undefined ? undefined : regionCells(answer, axis, yAxis, style),
      fitLines: this.#fits.lines(region, spectrum, answer),
      selected: index === this.#selected,
    };
  }
}

function requestOf({ x, y, fit }: PlotRegion): RegionRequest {
  return { x, ...(y === undefined ? {} : { y }), ...(fit === undefined ? {} : { counts: true }) };
}

function sameRange(one: ChannelRange | undefined, other: ChannelRange | undefined): boolean {
  return one?.[0] === other?.[0] && one?.[1] === other?.[1];
}

/** From the end of the colours, since overlaid spectra have the first ones. */
function colourOf(index: number): string {
  const { series, region } = currentPalette();
  return index === 0 ? region : (series[series.length - (index % series.length)] ?? region);
}
