/**
 * One plot of the board: its card, its spectra, and what is drawn of them. What the hand does is in
 * `plot-hand.ts`, its menus in `plot-bar.ts`, the frames that come in `plot-layers.ts`.
 */
import { peakOf } from '../../plotting/resample.js';
import { countAxisTop, type ScaleName } from '../../plotting/scale.js';
import {
  clampTo,
  fitRange,
  placement,
  SAME_PLACE,
  unlessWhole,
  xAxis,
  yAxis,
  type Axis,
  type Placement,
} from '../view/axis.js';
import type { PlotSpec } from '../view/plot-spec.js';
import { footText, readText } from '../view/plot-words.js';
import type { Frame } from '../wire/frame.js';
import type { ChannelRange, SpectrumInfo } from '../wire/messages.js';
import { element, setText } from './dom.js';
import type { Drawable, DrawLoop } from './draw-loop.js';
import { drawHeat, drawKey, HeatImage, KEY_WIDTH } from './draw-heat.js';
import { drawHistogram, visiblePart } from './draw-histogram.js';
import { drawCursor, drawGate, drawRegion, gatesOn, type Marked } from './draw-marks.js';
import { areaOf, drawCountAxis, drawXAxis, drawYAxis, prepare, type PlotArea } from './plot-area.js';
import { PlotLayers } from './plot-layers.js';
import { plotBar, type PlotActions } from './plot-bar.js';
import { attachHand } from './plot-hand.js';
import { regionText } from './region-text.js';
import type { PageState } from './state.js';
import type { Subscriptions, Wish } from './subscriptions.js';
import { currentPalette } from './theme.js';

export interface PlotServices {
  readonly state: PageState;
  readonly subscriptions: Subscriptions;
  readonly loop: DrawLoop;
}

/**
 * A 1-D spectrum of up to so many channels is sent whole, so that zooming needs nothing from the
 * server and read-outs are exact.
 */
const WHOLE_CHANNELS = 8_192;
const CELLS_MOST = 1_024;
/** Top of the axis of counts in units of the highest count shown. */
const HEADROOM: Readonly<Record<ScaleName, number>> = { linear: 1.06, log: 2, sqrt: 1.06 };

export class Plot implements Drawable {
  readonly element: HTMLElement;
  readonly canvas = element('canvas', { 'aria-hidden': 'true' });
  readonly #services: PlotServices;
  readonly #actions: PlotActions;
  readonly #bar = element('div', { class: 'plot-bar' });
  readonly #note = element('p', { class: 'plot-note', role: 'status' });
  readonly #foot = element('output', { class: 'plot-foot', 'aria-live': 'off' });
  readonly #region = element('output', { class: 'plot-region', 'aria-live': 'off' });
  readonly #read = element('output', { class: 'plot-read', 'aria-live': 'polite' });
  readonly #heat = new HeatImage();
  readonly #ends: (() => void)[] = [];
  readonly #layers: PlotLayers;
  readonly #sight: IntersectionObserver;
  readonly #size: ResizeObserver;
  #spec: PlotSpec;
  #visible = false;
  /** Channels under the pointer or the keyboard's cursor. */
  #cursor: { readonly x: number; readonly y: number } | undefined;
  /** The part that is being drawn with the pointer. */
  #drawn: { readonly x: ChannelRange; readonly y?: ChannelRange } | undefined;
  #area: PlotArea | undefined;

  constructor(spec: PlotSpec, services: PlotServices, actions: PlotActions) {
    this.#spec = spec;
    this.#services = services;
    this.#actions = actions;
    this.#layers = new PlotLayers(services.subscriptions, {
      // Paused: the picture stays, unless it does not reach far enough.
      takes: (shown) => !services.state.paused || this.#outdated(shown),
      changed: (first) => {
        if (first) {
          this.#bar.replaceChildren(...plotBar(this, this.#actions));
          this.#ask();
        }
        this.redraw();
      },
    });
    const stage = element('div', { class: 'plot-stage' }, this.canvas, this.#note, this.#read);
    this.element = element(
      'article',
      { class: 'plot', tabindex: '0' },
      this.#bar,
      stage,
      element('div', { class: 'plot-feet' }, this.#foot, this.#region),
    );
    this.#ends.push(attachHand(this));
    this.#sight = new IntersectionObserver(([entry]) => {
      this.#visible = entry?.isIntersecting ?? false;
      this.#ask();
    });
    this.#sight.observe(this.element);
    this.#size = new ResizeObserver(() => {
      this.#ask();
      this.redraw();
    });
    this.#size.observe(this.canvas);
    for (const topic of ['gates', 'status', 'paused', 'connection'] as const) {
      this.#ends.push(services.state.on(topic, () => this.redraw()));
    }
    this.#ends.push(services.state.on('list', () => this.#ask()));
    this.apply(spec);
  }

  get spec(): PlotSpec {
    return this.#spec;
  }

  /** What the first spectrum is, as the newest frame says. */
  get info(): SpectrumInfo | undefined {
    return this.#layers.first?.frame?.head.info ?? this.#services.state.info(this.#spec.spectra[0] ?? '');
  }

  get frames(): readonly { readonly name: string; readonly frame: Frame }[] {
    return this.#layers.frames;
  }

  get isFlat(): boolean {
    return this.info?.dimensions !== 2 || this.#spec.projection !== undefined;
  }

  get scale(): ScaleName {
    return this.#spec.scale ?? (this.isFlat ? 'linear' : 'log');
  }

  /** The axes as they are shown; a projection has the axis it is onto as its only one. */
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
      x: x === undefined ? axes.x.inside : fitRange(axes.x, x[0], x[1], 1),
      y: y === undefined ? axes.y.inside : fitRange(axes.y, y[0], y[1], 1),
    };
  }

  get area(): PlotArea | undefined {
    return this.#area;
  }

  get cursor(): { readonly x: number; readonly y: number } | undefined {
    return this.#cursor;
  }

  /**
   * A wish of the hand or a menu: shown at once, and told to the board, which keeps the address.
   */
  change(change: Partial<PlotSpec>): void {
    this.apply({ ...this.#spec, ...change });
    this.#actions.changed();
  }

  apply(spec: PlotSpec): void {
    const renamed = !this.#layers.has(spec.spectra);
    const otherCounts = spec.rateS !== this.#spec.rateS || spec.projection !== this.#spec.projection;
    this.#spec = spec;
    if (renamed) this.#layers.show(spec.spectra);
    if (renamed || otherCounts) this.#cursor = undefined;
    if (otherCounts) this.#layers.forget();
    this.#ask();
    this.#bar.replaceChildren(...plotBar(this, this.#actions));
    this.element.setAttribute('aria-label', `Plot of ${spec.spectra.join(', ')}`);
    this.redraw();
  }

  setCursor(cursor: { readonly x: number; readonly y: number } | undefined): void {
    this.#cursor = cursor;
    this.redraw();
  }

  setDrawn(drawn: { readonly x: ChannelRange; readonly y?: ChannelRange } | undefined): void {
    this.#drawn = drawn;
    this.redraw();
  }

  setRange(x: ChannelRange, y?: ChannelRange): void {
    const { axes } = this;
    if (axes === undefined) return;
    this.change({ x: unlessWhole(axes.x, x), ...(y === undefined ? {} : { y: unlessWhole(axes.y, y) }) });
  }

  redraw(): void {
    this.#services.loop.ask(this);
  }

  close(): void {
    for (const end of this.#ends) end();
    this.#sight.disconnect();
    this.#size.disconnect();
    this.#layers.close();
    this.#services.loop.drop(this);
    this.element.remove();
  }

  draw(): void {
    if (!this.#services.state.paused) this.#layers.resume();
    const palette = currentPalette();
    const made = prepare(this.canvas, palette.paper);
    this.#say();
    if (made === undefined) return this.#acknowledge();
    const { context, width, height } = made;
    const { axes, ranges } = this;
    const area = areaOf(width, height, { left: 58, right: this.isFlat ? 12 : KEY_WIDTH });
    this.#area = area;
    if (axes === undefined || ranges === undefined || this.frames.length === 0) return this.#acknowledge();
    const inChannels = this.#spec.channels;
    const xView = { axis: axes.x, range: ranges.x, inChannels };
    const marked: Marked = { area, x: ranges.x, y: this.isFlat ? undefined : ranges.y };
    if (this.isFlat) this.#drawFlat(context, area, ranges.x);
    else this.#drawMap(context, area, ranges);
    drawXAxis(context, area, xView, palette);
    if (!this.isFlat) drawYAxis(context, area, { axis: axes.y, range: ranges.y, inChannels }, palette);
    this.#drawMarks(context, marked, axes);
    this.#acknowledge();
  }

  #drawFlat(context: CanvasRenderingContext2D, area: PlotArea, x: ChannelRange): void {
    const palette = currentPalette();
    const maxima = this.frames.map(({ frame }) => {
      const { values } = visiblePart(frame, x, this.#placementOf(frame.head.info));
      return peakOf(values, 0, values.length).count;
    });
    const top = countAxisTop(Math.max(...maxima) * HEADROOM[this.scale]);
    drawCountAxis(context, area, this.scale, top, palette);
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
      });
    });
  }

  /** Where an overlaid spectrum lies on the axis of the first. */
  #placementOf(info: SpectrumInfo): Placement {
    const { axes } = this;
    if (axes === undefined || info.name === this.#spec.spectra[0]) return SAME_PLACE;
    return placement(axes.x, xAxis(info), this.#spec.channels);
  }

  #drawMap(
    context: CanvasRenderingContext2D,
    area: PlotArea,
    ranges: { readonly x: ChannelRange; readonly y: ChannelRange },
  ): void {
    const frame = this.#layers.first?.frame;
    if (frame === undefined || frame.head.dimensions !== 2) return;
    const max = Math.max(1, frame.head.max);
    drawHeat(context, area, ranges.x, ranges.y, frame, this.#heat.of(frame, this.scale, max));
    drawKey(context, area, this.scale, max, currentPalette());
  }

  #drawMarks(
    context: CanvasRenderingContext2D,
    marked: Marked,
    axes: { readonly x: Axis; readonly y: Axis },
  ): void {
    const palette = currentPalette();
    const { info } = this;
    const { region, projection } = this.#spec;
    if (info !== undefined) {
      const gates = gatesOn(info, projection, this.#services.state.gates);
      for (const gate of gates) drawGate(context, marked, gate, axes, gate.name === info.gate, palette);
      this.element.dataset['gates'] = gates.map(({ name }) => name).join(' ');
    }
    if (region !== undefined) drawRegion(context, marked, region, palette.region);
    if (this.#drawn !== undefined) drawRegion(context, marked, this.#drawn, palette.accent);
    if (this.#cursor !== undefined) {
      drawCursor(
        context,
        marked,
        { x: Math.floor(this.#cursor.x) + 0.5, y: Math.floor(this.#cursor.y) + 0.5 },
        palette,
      );
    }
  }

  /** Everything around the canvas that is text. */
  #say(): void {
    const head = this.#layers.first?.frame?.head;
    const { missing } = this.#layers;
    const { status, connected } = this.#services.state;
    const waiting = !connected
      ? 'Waiting for the viewer’s server …'
      : status?.state === 'broken' || status?.state === 'stopped'
        ? (status.cause ?? 'The application does not run.')
        : 'Waiting for the first counts …';
    const note =
      missing.length > 0
        ? `There is no spectrum ${missing.join(', ')} now.`
        : head === undefined
          ? waiting
          : head.rateS !== undefined && head.spanS === 0
            ? 'Nothing to compare with yet: counting since this moment.'
            : '';
    setText(this.#note, note);
    this.#note.hidden = note === '';
    this.element.classList.toggle('is-stale', status !== undefined && status.state !== 'live');
    setText(this.#foot, head === undefined ? '' : footText(head));
    this.#foot.dataset['sum'] = head === undefined ? '' : String(head.sum);
    this.element.dataset['sequence'] = head === undefined ? '' : String(head.sequence);
    this.#foot.dataset['max'] = head === undefined ? '' : String(head.max);
    const region = this.#regionText();
    setText(this.#region, region);
    this.#region.hidden = region === '';
    if (head?.region !== undefined) this.#region.dataset['sum'] = String(head.region.sum);
    setText(this.#read, this.#readText());
  }

  #regionText(): string {
    const { axes } = this;
    const { region } = this.#spec;
    const statistics = this.#layers.first?.frame?.head.region;
    if (axes === undefined || region === undefined || statistics === undefined) return '';
    return regionText(region, statistics, axes, this.isFlat, this.#spec.channels);
  }

  #readText(): string {
    const { axes } = this;
    if (this.#cursor === undefined || axes === undefined) return '';
    const frames = this.frames.map(({ name, frame }) => {
      return { name, frame, placement: this.#placementOf(frame.head.info) };
    });
    return readText(this.#cursor, frames, axes, { flat: this.isFlat, channels: this.#spec.channels });
  }

  /** What is drawn may be followed by the next; while the page is paused nothing follows. */
  #acknowledge(): void {
    if (this.#services.state.paused) return;
    this.#layers.drawn();
  }

  /** Whether a frame does not reach as far as what is shown now. */
  #outdated({ head }: Frame): boolean {
    const { ranges } = this;
    return ranges !== undefined && (head.x[0] > ranges.x[0] || head.x[1] < ranges.x[1]);
  }

  #ask(): void {
    this.#layers.want((name) => (this.#visible ? this.#wish(name) : undefined));
  }

  /** The channels of a long 1-D spectrum that are wanted; undefined for all. */
  #part(spectrum: string): ChannelRange | undefined {
    const info = this.#services.state.info(spectrum);
    const { axes, ranges } = this;
    if (info === undefined || axes === undefined || ranges === undefined) return undefined;
    const own = this.#spec.projection === 'y' ? yAxis(info) : xAxis(info);
    if (own.channels <= WHOLE_CHANNELS) return undefined;
    const { scale, offset } = this.#placementOf(info);
    return clampTo(own.inside, [
      Math.floor((ranges.x[0] - offset) / scale),
      Math.ceil((ranges.x[1] - offset) / scale),
    ]);
  }

  #wish(spectrum: string): Wish {
    const { rateS, projection, band, region, x, y } = this.#spec;
    const common = { spectrum, rateS, projection, band, region };
    if (this.isFlat) {
      return { ...common, x: this.#part(spectrum), y: undefined, columns: WHOLE_CHANNELS, rows: 1 };
    }
    const ratio = Math.min(2, devicePixelRatio || 1);
    const cells = (pixels: number): number =>
      Math.min(CELLS_MOST, Math.max(128, Math.ceil((pixels * ratio) / 128) * 128));
    return {
      ...common,
      x,
      y,
      columns: cells(this.canvas.clientWidth),
      rows: cells(this.canvas.clientHeight),
    };
  }
}
