/**
 * One plot of the board: connects its parts, which do the work. `Board` creates it; the draw loop
 * calls `draw`. The parts see it as `PlotHandle`.
 *
 *   plot-settings.ts   what the address has    plot-spectra.ts   frames, axes, subscriptions
 *   plot-bar.ts        title, menu             plot-surface.ts   canvas, size, visibility
 *   plot-input.ts      pointer, touch, keys    plot-picture.ts   drawing
 *   plot-regions.ts    regions and fits        plot-texts.ts     sums, state, counts at the cursor
 *   plot-peaks.ts      peaks                   plot-gates.ts      gates, and drawing one
 */
import type { ScaleName } from '../../plotting/scale.js';
import { undefinedIfWhole } from '../view/axis.js';
import { valueAt } from '../view/curve.js';
import type { PlotAxes, PlotRanges } from '../view/plot-axes.js';
import type { PlotSpec } from '../view/plot-spec.js';
import { plotTitles } from '../view/plot-title.js';
import { cursorText } from '../view/plot-words.js';
import type { Frame } from '../wire/frame.js';
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { ChannelRange } from '../wire/ranges.js';
import type { Timeline } from '../wire/recording.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';
import { element } from './dom.js';
import type { CountView } from './draw-fit.js';
import type { Drawable } from './draw-loop.js';
import type { Notices } from './notices.js';
import type { PlotArea } from './plot-area.js';
import { PlotBar } from './plot-bar.js';
import { PlotGates } from './plot-gates.js';
import { PlotInput } from './plot-input.js';
import type { PageServices, PlotActions, PlotHandle, PlotPointing, PlotSpectrum } from './plot-interface.js';
import { PlotPeaks } from './plot-peaks.js';
import { PlotPicture } from './plot-picture.js';
import { PlotRegions } from './plot-regions.js';
import { PlotSettings } from './plot-settings.js';
import { PlotSpectra } from './plot-spectra.js';
import { PlotSurface, type CanvasSize, type PictureSurface } from './plot-surface.js';
import { PlotTexts } from './plot-texts.js';
import { SAME_STEP } from './travel.js';
import type { SavedSpectra } from './saved-spectra.js';

export class Plot implements Drawable, PlotHandle {
  readonly element = element('article', { class: 'plot', tabindex: '0' });
  readonly regions: PlotRegions;
  readonly peaks: PlotPeaks;
  readonly gates: PlotGates;
  readonly #services: PageServices;
  readonly #actions: PlotActions;
  readonly #settings: PlotSettings;
  readonly #spectra: PlotSpectra;
  readonly #surface: PlotSurface;
  readonly #bar: PlotBar;
  readonly #input: PlotInput;
  readonly #texts: PlotTexts;
  readonly #picture: PlotPicture;
  readonly #listening: readonly (() => void)[];
  #pointing: PlotPointing = {};

  constructor(spec: PlotSpec, services: PageServices, actions: PlotActions) {
    this.#services = services;
    this.#actions = actions;
    this.#settings = new PlotSettings(spec);
    this.#spectra = new PlotSpectra(spec, services, (first) => {
      if (first) {
        this.#bar.update();
        this.#subscribe();
      }
      this.redraw();
    });
    this.#surface = new PlotSurface(this.element, () => {
      this.#bar.fit();
      this.#subscribe();
      this.redraw();
    });
    this.regions = new PlotRegions(this, services.fits);
    this.peaks = new PlotPeaks(this);
    this.gates = new PlotGates(this, services.gateChanges, () => this.#subscribe());
    this.#picture = new PlotPicture(this);
    this.#texts = new PlotTexts(this.element);
    this.#bar = new PlotBar(this, actions);
    const { note, cursorOutput, stateBadge, foot } = this.#texts;
    this.element.append(
      this.#bar.element,
      element('div', { class: 'plot-stage' }, this.canvas, note, cursorOutput, stateBadge),
      element('div', { class: 'plot-feet' }, foot),
      this.regions.element,
      this.gates.element,
      this.peaks.element,
    );
    this.#input = new PlotInput(this);
    const { state } = services;
    this.#listening = [
      ...(['gates', 'status', 'paused', 'connection', 'second', 'moment'] as const).map((topic) =>
        state.on(topic, () => this.redraw()),
      ),
      ...(['list', 'gates'] as const).map((topic) => state.on(topic, () => this.#subscribe())),
    ];
    this.#show(spec);
  }

  get canvas(): HTMLCanvasElement {
    return this.#surface.canvas;
  }

  get size(): CanvasSize {
    return this.#surface.size;
  }

  get notices(): Notices {
    return this.#services.notices;
  }

  get saved(): SavedSpectra {
    return this.#services.subscriptions.saved;
  }

  get spec(): PlotSpec {
    return this.#settings.shown;
  }

  /** What the address of the page has. */
  get keptSpec(): PlotSpec {
    return this.#settings.kept;
  }

  get info(): SpectrumInfo | undefined {
    return this.#spectra.info;
  }

  get frames(): readonly { readonly name: string; readonly frame: Frame }[] {
    return this.#spectra.frames;
  }

  get isOneDimensional(): boolean {
    return this.#spectra.isOneDimensional;
  }

  get scale(): ScaleName {
    return this.#spectra.scale;
  }

  get axes(): PlotAxes | undefined {
    return this.#spectra.axes;
  }

  get ranges(): PlotRanges | undefined {
    return this.#spectra.ranges;
  }

  get area(): PlotArea | undefined {
    return this.#picture.area;
  }

  get countView(): CountView | undefined {
    return this.#picture.drawn?.countView;
  }

  get countLimits(): { readonly bottom: number; readonly top: number } | undefined {
    return this.#picture.drawn?.limits;
  }

  get gateShapes(): readonly GateShape[] {
    return this.#services.state.gates;
  }

  get app(): string | undefined {
    return this.#services.state.app;
  }

  get isPaused(): boolean {
    return this.#services.state.paused;
  }

  get momentMs(): number | undefined {
    return this.#services.state.momentMs;
  }

  get timeline(): Timeline | undefined {
    return this.#services.state.timeline;
  }

  get hasJsroot(): boolean {
    return this.#services.state.welcome?.jsroot === true;
  }

  get pointing(): PlotPointing {
    return this.#pointing;
  }

  get canZoomBack(): boolean {
    return this.#settings.canZoomBack;
  }

  spectrum(index: number): PlotSpectrum | undefined {
    return this.#spectra.at(index);
  }

  change(change: Partial<PlotSpec>, burst?: string): void {
    this.#show(this.#settings.keep(change, burst, performance.now()));
    this.#actions.changed(burst);
  }

  preview(change: Partial<PlotSpec>): void {
    this.#show(this.#settings.preview(change));
  }

  cancelPreview(): void {
    this.#show(this.#settings.cancelPreview());
  }

  zoomBack(): void {
    const spec = this.#settings.zoomBack();
    if (spec === undefined) return;
    this.#show(spec);
    this.#actions.changed();
  }

  /** Shows the settings of the page's address, without reporting them to the board. */
  apply(spec: PlotSpec): void {
    this.#show(this.#settings.set(spec));
  }

  point(pointing: PlotPointing): void {
    this.#pointing = { ...this.#pointing, ...pointing };
    this.element.dataset['marking'] = String(this.#pointing.rubberBand !== undefined);
    this.redraw();
  }

  partOf(x: ChannelRange, y?: ChannelRange): Partial<PlotSpec> {
    const { axes } = this;
    if (axes === undefined) return {};
    return {
      x: undefinedIfWhole(axes.x, x),
      ...(y === undefined ? {} : { y: undefinedIfWhole(axes.y, y) }),
    };
  }

  /** Returns false for a key that has no function here. */
  handleKey(key: string, shift: boolean): boolean {
    return this.#input.handleKey(key, shift);
  }

  redraw(): void {
    this.#services.loop.schedule(this);
  }

  showLive(): void {
    this.#services.travel.to(undefined, SAME_STEP);
  }

  showLayouts(): void {
    this.#services.showLayouts();
  }

  async rememberMoment(): Promise<void> {
    const names = this.spec.spectra;
    const sinceMs = await this.#services.moments.remember(names);
    if (sinceMs === undefined) {
      return this.notices.show('The server cannot remember these counts now; spectra of files it has not.');
    }
    // The user may have chosen other spectra meanwhile.
    if (names.join('\n') === this.spec.spectra.join('\n')) this.change({ sinceMs, rateS: undefined });
  }

  /** A new trend is that of the first region, or else of the whole spectrum. */
  showTrends(): void {
    const { spectra, regions } = this.spec;
    const [region] = regions;
    const spectrum = spectra[region?.spectrum ?? 0];
    if (spectrum === undefined) return this.#services.showTrends();
    const y = region?.y === undefined ? {} : { y: region.y };
    this.#services.showTrends({
      kind: 'spectrum',
      spectrum,
      ...(region === undefined ? {} : { x: region.x, ...y }),
    });
  }

  paintOn(surface: PictureSurface): void {
    this.#picture.paintOn(surface);
  }

  close(): void {
    for (const stop of this.#listening) stop();
    this.#input.close();
    this.#surface.close();
    this.#spectra.close();
    this.#services.loop.cancel(this);
    this.element.remove();
  }

  draw(): void {
    this.#spectra.resume();
    this.peaks.update();
    this.regions.update();
    this.gates.update();
    this.#picture.draw({
      frames: this.#spectra.newest,
      placementOf: (info) => this.#spectra.placementOf(info),
      gates: this.gates.shown,
      layers: [this.regions, this.peaks, this.gates],
    });
    this.#updateTexts();
    this.#spectra.acknowledge();
  }

  #show(spec: PlotSpec): void {
    if (this.#spectra.show(spec)) this.#pointing = {};
    this.#subscribe();
    this.#bar.update();
    this.element.setAttribute('aria-label', `Plot of ${plotTitles(spec).join(', ')}`);
    this.redraw();
  }

  #subscribe(): void {
    const { visible, size } = this.#surface;
    this.#spectra.subscribe(visible ? size : undefined, {
      regionsOf: (spectrum) => this.regions.requestsFor(spectrum),
      gates: this.gates.wantsFigures,
    });
  }

  #updateTexts(): void {
    const { status, connected, paused } = this.#services.state;
    this.#texts.update({
      status,
      connected,
      paused,
      head: this.#spectra.newest[0]?.head,
      missing: this.#spectra.missing,
      problem: this.#spectra.problem,
      missingGate: this.#spectra.missingGate,
      highest: this.#picture.drawn?.highest,
      cursor: this.#cursorText(),
    });
  }

  #cursorText(): string {
    const { axes } = this;
    const { cursor } = this.#pointing;
    if (cursor === undefined || axes === undefined) return '';
    const frames = this.frames.map(({ name, frame }) => {
      return { name, frame, placement: this.#spectra.placementOf(frame.head.info) };
    });
    const combined = this.#picture.drawn?.combined;
    return cursorText(cursor, frames, axes, {
      oneDimensional: this.isOneDimensional,
      channels: this.spec.channels,
      calibration: this.spectrum(0)?.calibration,
      combined: combined === undefined ? undefined : valueAt(combined, Math.floor(cursor.x) + 0.5),
    });
  }
}
