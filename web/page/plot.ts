/**
 * One plot of the board: its card in the document, the settings of its spectra, and their drawing.
 * `Board` creates it; the draw loop calls `draw`. Pointer and keys are in `plot-input.ts`, menus in
 * `plot-bar.ts`, frames in `plot-layers.ts`, the canvas in `plot-picture.ts`, texts in
 * `plot-texts.ts`; they see it as `PlotHandle`, or get what they need.
 */
import type { ScaleName } from '../../plotting/scale.js';
import { IDENTITY_PLACEMENT, undefinedIfWhole, xAxis, yAxis, type Placement } from '../view/axis.js';
import { axesOf, placementOf, rangesOf, type PlotAxes, type PlotRanges } from '../view/plot-axes.js';
import type { PlotSpec } from '../view/plot-spec.js';
import { cursorText } from '../view/plot-words.js';
import type { Frame } from '../wire/frame.js';
import type { ChannelRange, SpectrumInfo } from '../wire/messages.js';
import { element } from './dom.js';
import type { CountView } from './draw-fit.js';
import type { Drawable } from './draw-loop.js';
import type { PlotArea } from './plot-area.js';
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
import { PlotLayers } from './plot-layers.js';
import { PlotPeaks } from './plot-peaks.js';
import { PlotPicture } from './plot-picture.js';
import { PlotRegions } from './plot-regions.js';
import { histogramRequest, mapRequest } from './plot-requests.js';
import { PlotTexts } from './plot-texts.js';
import type { SubscriptionRequest } from './subscriptions.js';

export class Plot implements Drawable, PlotHandle {
  readonly element: HTMLElement;
  readonly canvas = element('canvas', { 'aria-hidden': 'true' });
  readonly #services: PageServices;
  readonly #actions: PlotActions;
  readonly #bar = element('div', { class: 'plot-bar' });
  readonly #texts: PlotTexts;
  readonly #picture: PlotPicture;
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
    this.#picture = new PlotPicture(this);
    this.element = element('article', { class: 'plot', tabindex: '0' });
    this.#texts = new PlotTexts(this.element);
    const { note, cursorOutput, stateBadge, foot } = this.#texts;
    this.element.append(
      this.#bar,
      element('div', { class: 'plot-stage' }, this.canvas, note, cursorOutput, stateBadge),
      element('div', { class: 'plot-feet' }, foot),
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

  get axes(): PlotAxes | undefined {
    const { info } = this;
    return info === undefined ? undefined : axesOf(info, this.#spec);
  }

  get ranges(): PlotRanges | undefined {
    const { axes } = this;
    return axes === undefined ? undefined : rangesOf(axes, this.#spec);
  }

  get area(): PlotArea | undefined {
    return this.#picture.area;
  }

  get countView(): CountView | undefined {
    return this.#picture.drawn?.countView;
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
    this.peaks.update();
    this.regions.update();
    this.#picture.draw({
      frames: this.#layers.all.map(({ frame }) => frame),
      placementOf: (info) => this.#placementOf(info),
      gates: this.#services.state.gates,
      layers: [this.regions, this.peaks],
      rubberBand: this.#rubberBand,
    });
    this.#updateTexts();
    this.#acknowledge();
  }

  #placementOf(info: SpectrumInfo): Placement {
    return placementOf(info, this.axes, this.#spec);
  }

  #updateTexts(): void {
    const { status, connected, paused } = this.#services.state;
    this.#texts.update({
      status,
      connected,
      paused,
      head: this.#layers.first?.frame?.head,
      missing: this.#layers.missing,
      highest: this.#picture.drawn?.highest,
      cursor: this.#cursorText(),
    });
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

  #requestFor(name: string): SubscriptionRequest {
    const info = this.#services.state.info(name);
    const spectrum = {
      name,
      info,
      regions: this.regions.requestsFor(this.#spec.spectra.indexOf(name)),
      placement: info === undefined ? IDENTITY_PLACEMENT : this.#placementOf(info),
      visible: this.ranges?.x,
    };
    return this.isOneDimensional
      ? histogramRequest(this.#spec, spectrum)
      : mapRequest(this.#spec, spectrum, this.canvas);
  }
}
