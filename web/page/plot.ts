/**
 * One plot of the board: its card in the document, the settings of its spectra, and their drawing.
 * `Board` creates it; the draw loop calls `draw`. Pointer and keys are in `plot-input.ts`, menus in
 * `plot-bar.ts`, subscriptions and frames in `plot-layers.ts`; they see it as `PlotHandle`.
 */
import { peakOf } from '../../plotting/resample.js';
import { countAxisTop, type ScaleName } from '../../plotting/scale.js';
import {
  clampTo,
  fitRange,
  overlayPlacement,
  IDENTITY_PLACEMENT,
  undefinedIfWhole,
  xAxis,
  yAxis,
  type Axis,
  type Placement,
} from '../view/axis.js';
import { dataState, type DataStateInput } from '../view/data-state.js';
import type { PlotSpec } from '../view/plot-spec.js';
import { cursorText, sumText } from '../view/plot-words.js';
import type { Frame } from '../wire/frame.js';
import type { ChannelRange, SpectrumInfo } from '../wire/messages.js';
import { element, setText } from './dom.js';
import type { CountView } from './draw-fit.js';
import type { Drawable } from './draw-loop.js';
import { drawHeat, drawKey, HeatImage, KEY_WIDTH } from './draw-heat.js';
import { drawHistogram, visiblePart } from './draw-histogram.js';
import { drawCursor, drawGate, drawRegion, gatesOn, type MarkArea } from './draw-marks.js';
import {
  areaOf,
  drawCalibratedAxis,
  drawCountAxis,
  drawXAxis,
  drawYAxis,
  prepare,
  type PlotArea,
} from './plot-area.js';
import { PlotLayers } from './plot-layers.js';
import { plotBar } from './plot-bar.js';
import { attachPlotInput } from './plot-input.js';
import type {
  ChannelPart,
  ChannelPoint,
  PageServices,
  PlotActions,
  PlotHandle,
  PlotSpectrum,
} from './plot-interface.js';
import { PlotPeaks } from './plot-peaks.js';
import { PlotRegions } from './plot-regions.js';
import type { SubscriptionRequest } from './subscriptions.js';
import { currentPalette } from './theme.js';

/**
 * A 1-D spectrum of up to so many channels is subscribed to as a whole, so that zooming needs no
 * new frame and the counts under the cursor are exact.
 */
const WHOLE_CHANNELS = 8_192;
/** Values of a map across or up: the pixels of the canvas, in steps so that frames are shared. */
const CELLS = { step: 128, max: 1_024 };
/** Top of the axis of counts in units of the highest visible count. */
const HEADROOM: Readonly<Record<ScaleName, number>> = { linear: 1.06, log: 2, sqrt: 1.06 };
const MARGIN_PX = { left: 58, right: 12 };

/** Shown value per count: 1, or one over the seconds that the counts of a rate took. */
function shownPerCount(frame: Frame | undefined): number {
  const { rateS, spanS = 0 } = frame?.head ?? {};
  return rateS === undefined || spanS === 0 ? 1 : 1 / spanS;
}

export class Plot implements Drawable, PlotHandle {
  readonly element: HTMLElement;
  readonly canvas = element('canvas', { 'aria-hidden': 'true' });
  readonly #services: PageServices;
  readonly #actions: PlotActions;
  readonly #bar = element('div', { class: 'plot-bar' });
  readonly #note = element('p', { class: 'plot-note', role: 'status' });
  readonly #foot = element('output', { class: 'plot-foot', 'aria-live': 'off' });
  readonly #stateBadge = element('output', { class: 'plot-state', 'aria-live': 'off' });
  readonly #cursorOutput = element('output', { class: 'plot-read', 'aria-live': 'polite' });
  readonly #heat = new HeatImage();
  readonly #disposers: (() => void)[] = [];
  readonly regions: PlotRegions;
  readonly peaks: PlotPeaks;
  readonly #layers: PlotLayers;
  readonly #visibility: IntersectionObserver;
  readonly #resizing: ResizeObserver;
  #spec: PlotSpec;
  #visible = false;
  /** The channels under the pointer or the keyboard's cursor. */
  #cursor: ChannelPoint | undefined;
  /** The rectangle that the user is drawing. */
  #rubberBand: ChannelPart | undefined;
  #area: PlotArea | undefined;
  #countView: CountView | undefined;
  /** The highest visible value, in the unit of the axis; undefined before the first drawing. */
  #highest: number | undefined;

  constructor(spec: PlotSpec, services: PageServices, actions: PlotActions) {
    this.#spec = spec;
    this.#services = services;
    this.#actions = actions;
    this.#layers = new PlotLayers(services.subscriptions, {
      // While paused the shown frame stays, unless it does not cover the visible channels.
      accepts: (shown) => !services.state.paused || !this.#covers(shown),
      changed: (first) => {
        if (first) {
          this.#bar.replaceChildren(...plotBar(this, this.#actions));
          this.#updateSubscriptions();
        }
        this.redraw();
      },
    });
    this.regions = new PlotRegions(this, services.fits);
    this.peaks = new PlotPeaks(this);
    const stage = element(
      'div',
      { class: 'plot-stage' },
      this.canvas,
      this.#note,
      this.#cursorOutput,
      this.#stateBadge,
    );
    this.element = element(
      'article',
      { class: 'plot', tabindex: '0' },
      this.#bar,
      stage,
      element('div', { class: 'plot-feet' }, this.#foot),
      this.regions.element,
      this.peaks.element,
    );
    this.#disposers.push(attachPlotInput(this));
    this.#visibility = new IntersectionObserver(([entry]) => {
      this.#visible = entry?.isIntersecting ?? false;
      this.#updateSubscriptions();
    });
    this.#visibility.observe(this.element);
    this.#resizing = new ResizeObserver(() => {
      this.#updateSubscriptions();
      this.redraw();
    });
    this.#resizing.observe(this.canvas);
    for (const topic of ['gates', 'status', 'paused', 'connection', 'second'] as const) {
      this.#disposers.push(services.state.on(topic, () => this.redraw()));
    }
    this.#disposers.push(services.state.on('list', () => this.#updateSubscriptions()));
    this.apply(spec);
  }

  get spec(): PlotSpec {
    return this.#spec;
  }

  get info(): SpectrumInfo | undefined {
    return this.#layers.first?.frame?.head.info ?? this.#services.state.info(this.#spec.spectra[0] ?? '');
  }

  get frames(): readonly { readonly name: string; readonly frame: Frame }[] {
    return this.#layers.frames;
  }

  get isOneDimensional(): boolean {
    return this.info?.dimensions !== 2 || this.#spec.projection !== undefined;
  }

  get scale(): ScaleName {
    return this.#spec.scale ?? (this.isOneDimensional ? 'linear' : 'log');
  }

  get axes(): { readonly x: Axis; readonly y: Axis } | undefined {
    const { info } = this;
    if (info === undefined) return undefined;
    return this.#spec.projection === 'y'
      ? { x: yAxis(info), y: xAxis(info) }
      : { x: xAxis(info), y: yAxis(info) };
  }

  get ranges(): { readonly x: ChannelRange; readonly y: ChannelRange } | undefined {
    const { axes } = this;
    if (axes === undefined) return undefined;
    const { x, y } = this.#spec;
    return {
      x: x === undefined ? axes.x.inRange : fitRange(axes.x, x[0], x[1], 1),
      y: y === undefined ? axes.y.inRange : fitRange(axes.y, y[0], y[1], 1),
    };
  }

  get area(): PlotArea | undefined {
    return this.#area;
  }

  get countView(): CountView | undefined {
    return this.#countView;
  }

  get app(): string | undefined {
    return this.#services.state.app;
  }

  spectrum(index: number): PlotSpectrum | undefined {
    const name = this.#spec.spectra[index];
    const frame = this.#layers.all[index]?.frame;
    const { state } = this.#services;
    const info = frame?.head.info ?? (name === undefined ? undefined : state.info(name));
    if (name === undefined || info === undefined) return undefined;
    const { projection } = this.#spec;
    return {
      axis: projection === 'y' ? yAxis(info) : xAxis(info),
      placement: this.#placementOf(info),
      frame,
      calibration: projection === undefined ? state.calibrations[name] : undefined,
    };
  }

  get cursor(): ChannelPoint | undefined {
    return this.#cursor;
  }

  /** A change by input or menu, which the board writes to the address bar. */
  change(change: Partial<PlotSpec>): void {
    this.apply({ ...this.#spec, ...change });
    this.#actions.changed();
  }

  /** Shows other settings, without reporting them to the board. */
  apply(spec: PlotSpec): void {
    const otherSpectra = !this.#layers.has(spec.spectra);
    const otherCounts = spec.rateS !== this.#spec.rateS || spec.projection !== this.#spec.projection;
    this.#spec = spec;
    if (otherSpectra) this.#layers.show(spec.spectra);
    if (otherSpectra || otherCounts) this.#cursor = undefined;
    if (otherCounts) this.#layers.clearFrames();
    this.#updateSubscriptions();
    this.#bar.replaceChildren(...plotBar(this, this.#actions));
    this.element.setAttribute('aria-label', `Plot of ${spec.spectra.join(', ')}`);
    this.redraw();
  }

  setCursor(cursor: ChannelPoint | undefined): void {
    this.#cursor = cursor;
    this.redraw();
  }

  setRubberBand(part: ChannelPart | undefined): void {
    this.#rubberBand = part;
    this.redraw();
  }

  setRange(x: ChannelRange, y?: ChannelRange): void {
    const { axes } = this;
    if (axes === undefined) return;
    this.change({
      x: undefinedIfWhole(axes.x, x),
      ...(y === undefined ? {} : { y: undefinedIfWhole(axes.y, y) }),
    });
  }

  redraw(): void {
    this.#services.loop.schedule(this);
  }

  close(): void {
    for (const dispose of this.#disposers) dispose();
    this.#visibility.disconnect();
    this.#resizing.disconnect();
    this.#layers.close();
    this.#services.loop.cancel(this);
    this.element.remove();
  }

  draw(): void {
    if (!this.#services.state.paused) this.#layers.resume();
    const palette = currentPalette();
    const canvas = prepare(this.canvas, palette.paper);
    this.peaks.update();
    this.regions.update();
    if (canvas === undefined) {
      this.#updateTexts();
      return this.#acknowledge();
    }
    const { context, width, height } = canvas;
    const { axes, ranges } = this;
    const area = areaOf(width, height, {
      left: MARGIN_PX.left,
      right: this.isOneDimensional ? MARGIN_PX.right : KEY_WIDTH,
    });
    this.#area = area;
    if (axes === undefined || ranges === undefined || this.frames.length === 0) {
      this.#updateTexts();
      return this.#acknowledge();
    }
    const inChannels = this.#spec.channels;
    const xView = { axis: axes.x, range: ranges.x, inChannels };
    const markArea: MarkArea = {
      area,
      x: ranges.x,
      y: this.isOneDimensional ? undefined : ranges.y,
      paper: palette.paper,
    };
    if (this.isOneDimensional) this.#drawHistograms(context, area, ranges.x);
    else this.#drawMap(context, area, ranges);
    drawXAxis(context, area, xView, palette);
    const calibration = this.spectrum(0)?.calibration;
    if (this.isOneDimensional && calibration !== undefined) {
      drawCalibratedAxis(context, area, xView, calibration, palette);
    }
    if (!this.isOneDimensional)
      drawYAxis(context, area, { axis: axes.y, range: ranges.y, inChannels }, palette);
    this.#drawMarks(context, markArea, axes);
    this.#updateTexts();
    this.#acknowledge();
  }

  #drawHistograms(context: CanvasRenderingContext2D, area: PlotArea, x: ChannelRange): void {
    const palette = currentPalette();
    const maxima = this.frames.map(({ frame }) => {
      const { values } = visiblePart(frame, x, this.#placementOf(frame.head.info));
      return peakOf(values, 0, values.length).count * shownPerCount(frame);
    });
    this.#highest = Math.max(...maxima);
    const isRate = this.#spec.rateS !== undefined;
    const top = countAxisTop(this.#highest * HEADROOM[this.scale]);
    this.#countView = { scale: this.scale, top, factor: shownPerCount(this.frames[0]?.frame) };
    drawCountAxis(context, area, this.scale, top, isRate ? 'counts/s' : 'counts', palette);
    const layers = this.#layers.all;
    const single = layers.length === 1;
    layers.forEach(({ frame }, index) => {
      if (frame === undefined || frame.head.dimensions !== 1) return;
      const colour = palette.series[index % palette.series.length] ?? palette.accent;
      drawHistogram(context, area, x, frame, {
        colour,
        filled: single,
        scale: this.scale,
        top,
        placement: this.#placementOf(frame.head.info),
        factor: shownPerCount(frame),
      });
    });
  }

  /** The place of an overlaid spectrum on the axis of the first one. */
  #placementOf(info: SpectrumInfo): Placement {
    const { axes } = this;
    if (axes === undefined || info.name === this.#spec.spectra[0]) return IDENTITY_PLACEMENT;
    return overlayPlacement(axes.x, xAxis(info), this.#spec.channels);
  }

  #drawMap(
    context: CanvasRenderingContext2D,
    area: PlotArea,
    ranges: { readonly x: ChannelRange; readonly y: ChannelRange },
  ): void {
    const frame = this.#layers.first?.frame;
    if (frame === undefined || frame.head.dimensions !== 2) return;
    const max = Math.max(1, frame.head.max);
    this.#countView = undefined;
    this.#highest = frame.head.max * shownPerCount(frame);
    drawHeat(context, area, ranges.x, ranges.y, frame, this.#heat.paint(frame, this.scale, max));
    drawKey(context, area, this.scale, max * shownPerCount(frame), currentPalette());
  }

  #drawMarks(
    context: CanvasRenderingContext2D,
    markArea: MarkArea,
    axes: { readonly x: Axis; readonly y: Axis },
  ): void {
    const palette = currentPalette();
    const { info } = this;
    const { projection } = this.#spec;
    if (info !== undefined) {
      const gates = gatesOn(info, projection, this.#services.state.gates);
      for (const gate of gates) drawGate(context, markArea, gate, axes, gate.name === info.gate, palette);
      this.element.dataset['gates'] = gates.map(({ name }) => name).join(' ');
    }
    this.regions.draw(context, markArea);
    this.peaks.draw(context, markArea);
    if (this.#rubberBand !== undefined) drawRegion(context, markArea, this.#rubberBand, palette.accent);
    if (this.#cursor !== undefined) {
      drawCursor(
        context,
        markArea,
        { x: Math.floor(this.#cursor.x) + 0.5, y: Math.floor(this.#cursor.y) + 0.5 },
        palette,
      );
    }
  }

  /** Updates the texts around the canvas, and the data attributes that tests read. */
  #updateTexts(): void {
    const head = this.#layers.first?.frame?.head;
    const { missing } = this.#layers;
    const { status, connected, paused } = this.#services.state;
    const waiting = !connected
      ? 'Waiting for the server of the web viewer …'
      : status?.state === 'broken' || status?.state === 'stopped'
        ? (status.cause ?? 'The application does not run.')
        : 'Waiting for the first counts …';
    const note =
      missing.length > 0
        ? `SpecTcl has no spectrum ${missing.join(', ')}.`
        : head === undefined
          ? waiting
          : head.rateS !== undefined && head.spanS === 0
            ? 'No earlier counts yet: counting starts now.'
            : '';
    setText(this.#note, note);
    this.#note.hidden = note === '';
    this.#updateState({ connected, paused, status }, head?.atMs);
    setText(this.#foot, head === undefined ? '' : sumText(head, this.#highest));
    this.#foot.dataset['sum'] = head === undefined ? '' : String(head.sum);
    this.element.dataset['sequence'] = head === undefined ? '' : String(head.sequence);
    this.#foot.dataset['max'] = this.#highest === undefined ? '' : String(this.#highest);
    setText(this.#cursorOutput, this.#cursorText());
  }

  /** The state of the data that are shown, on the plot itself. */
  #updateState(input: DataStateInput, shownMs: number | undefined): void {
    const { kind, label, detail } = dataState(input, Date.now(), shownMs);
    const isMarked = kind !== 'live' && kind !== 'connecting';
    this.element.classList.toggle('is-stale', isMarked && kind !== 'paused');
    this.element.dataset['state'] = kind;
    this.#stateBadge.hidden = !isMarked || shownMs === undefined;
    setText(this.#stateBadge, isMarked ? `${label} · ${detail}` : '');
  }

  #cursorText(): string {
    const { axes } = this;
    if (this.#cursor === undefined || axes === undefined) return '';
    const frames = this.frames.map(({ name, frame }) => {
      return { name, frame, placement: this.#placementOf(frame.head.info) };
    });
    return cursorText(this.#cursor, frames, axes, {
      oneDimensional: this.isOneDimensional,
      channels: this.#spec.channels,
      calibration: this.spectrum(0)?.calibration,
    });
  }

  /** Requests the next frames, except while the page is paused. */
  #acknowledge(): void {
    if (this.#services.state.paused) return;
    this.#layers.acknowledge();
  }

  /** Whether a frame has all visible channels. */
  #covers({ head }: Frame): boolean {
    const { ranges } = this;
    return ranges === undefined || (head.x[0] <= ranges.x[0] && head.x[1] >= ranges.x[1]);
  }

  #updateSubscriptions(): void {
    this.#layers.setRequests((name) => (this.#visible ? this.#requestFor(name) : undefined));
  }

  /** The visible channels of a long 1-D spectrum; undefined for all channels. */
  #channelsToRequest(spectrum: string): ChannelRange | undefined {
    const info = this.#services.state.info(spectrum);
    const { axes, ranges } = this;
    if (info === undefined || axes === undefined || ranges === undefined) return undefined;
    const axis = this.#spec.projection === 'y' ? yAxis(info) : xAxis(info);
    if (axis.channels <= WHOLE_CHANNELS) return undefined;
    const { scale, offset } = this.#placementOf(info);
    return clampTo(axis.inRange, [
      Math.floor((ranges.x[0] - offset) / scale),
      Math.ceil((ranges.x[1] - offset) / scale),
    ]);
  }

  #requestFor(spectrum: string): SubscriptionRequest {
    const { rateS, projection, band, x, y, spectra } = this.#spec;
    const regions = this.regions.requestsFor(spectra.indexOf(spectrum));
    const common = { spectrum, rateS, projection, band, regions };
    if (this.isOneDimensional) {
      return {
        ...common,
        x: this.#channelsToRequest(spectrum),
        y: undefined,
        columns: WHOLE_CHANNELS,
        rows: 1,
      };
    }
    const ratio = Math.min(2, devicePixelRatio || 1);
    const cells = (pixels: number): number =>
      Math.min(CELLS.max, Math.max(CELLS.step, Math.ceil((pixels * ratio) / CELLS.step) * CELLS.step));
    return {
      ...common,
      x,
      y,
      columns: cells(this.canvas.clientWidth),
      rows: cells(this.canvas.clientHeight),
    };
  }
}
