/**
 * The spectra of one plot: their frames, axes and visible channels by the settings of the plot, and
 * what the plot subscribes to. `Plot` creates it. Sends requests through `Subscriptions`; draws
 * nothing.
 */
import type { ScaleName } from '../../plotting/scale.js';
import { IDENTITY_PLACEMENT, xAxis, yAxis, type Placement } from '../view/axis.js';
import { axesOf, placementOf, rangesOf, type PlotAxes, type PlotRanges } from '../view/plot-axes.js';
import { spectrumAtMoment } from '../view/moment.js';
import type { PlotSpec } from '../view/plot-spec.js';
import type { Frame } from '../wire/frame.js';
import { outlineOf } from '../view/projected-part.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';
import type { ChannelOutline, RegionRequest } from '../wire/subscription.js';
import type { PageServices, PlotSpectrum } from './plot-interface.js';
import { PlotLayers } from './plot-layers.js';
import { histogramRequest, mapRequest } from './plot-requests.js';
import type { CanvasSize } from './plot-surface.js';

/** The figures that frames have besides the counts. */
export interface FiguresWanted {
  readonly regionsOf: (spectrum: number) => readonly RegionRequest[] | undefined;
  /** Whether those inside the gates on the first spectrum are wanted. */
  readonly gates: boolean;
}

export class PlotSpectra {
  readonly #services: PageServices;
  readonly #layers: PlotLayers;
  #spec: PlotSpec;

  /** `changed`: a frame has arrived, or a spectrum does not exist; `first`: it had no frame yet. */
  constructor(spec: PlotSpec, services: PageServices, changed: (first: boolean) => void) {
    this.#spec = spec;
    this.#services = services;
    this.#layers = new PlotLayers(services.subscriptions, {
      // While paused the shown frame stays, unless it does not cover the visible channels.
      accepts: (shown) => !services.state.paused || !this.#covers(shown),
      changed,
    });
  }

  get info(): SpectrumInfo | undefined {
    return this.#layers.first?.frame?.head.info ?? this.#services.state.info(this.#spec.spectra[0] ?? '');
  }

  get frames(): readonly { readonly name: string; readonly frame: Frame }[] {
    return this.#layers.frames;
  }

  /** One per spectrum; undefined before the first. */
  get newest(): readonly (Frame | undefined)[] {
    return this.#layers.all.map(({ frame }) => frame);
  }

  get missing(): readonly string[] {
    return this.#layers.missing;
  }

  /** Why a moment of the recording cannot be shown. */
  get problem(): string | undefined {
    return this.#layers.problem;
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

  at(index: number): PlotSpectrum | undefined {
    const name = this.#spec.spectra[index];
    const frame = this.#layers.all[index]?.frame;
    const { state } = this.#services;
    const info = frame?.head.info ?? (name === undefined ? undefined : state.info(name));
    if (name === undefined || info === undefined) return undefined;
    const { projection } = this.#spec;
    return {
      axis: projection === 'y' ? yAxis(info) : xAxis(info),
      placement: this.placementOf(info),
      frame,
      calibration: projection === undefined ? state.calibrations[spectrumAtMoment(name).spectrum] : undefined,
    };
  }

  placementOf(info: SpectrumInfo): Placement {
    return placementOf(info, this.axes, this.#spec);
  }

  /** Returns whether other counts are shown than before. */
  show(spec: PlotSpec): boolean {
    const otherSpectra = !this.#layers.has(spec.spectra);
    const otherCounts = countsOf(spec) !== countsOf(this.#spec);
    this.#spec = spec;
    if (otherSpectra) this.#layers.show(spec.spectra);
    if (otherCounts) this.#layers.clearFrames();
    return otherSpectra || otherCounts;
  }

  /** `size`: of the canvas; undefined while the plot is not visible. */
  subscribe(size: CanvasSize | undefined, { regionsOf, gates }: FiguresWanted): void {
    this.#layers.setRequests((name) => {
      if (size === undefined) return undefined;
      const info = this.#services.state.info(name);
      const within = this.#outlineOf(info);
      if (within === 'unknown') return undefined;
      const spectrum = {
        name,
        info,
        within,
        regions: regionsOf(this.#spec.spectra.indexOf(name)),
        gates: gates && name === this.#spec.spectra[0],
        placement: info === undefined ? IDENTITY_PLACEMENT : this.placementOf(info),
        visible: this.ranges?.x,
      };
      return this.isOneDimensional
        ? histogramRequest(this.#spec, spectrum)
        : mapRequest(this.#spec, spectrum, size);
    });
  }

  /** Shows the frames that arrived while the page was paused. */
  resume(): void {
    if (!this.#services.state.paused) this.#layers.resume();
  }

  /** The frames are drawn: requests the next ones, except while the page is paused. */
  acknowledge(): void {
    if (!this.#services.state.paused) this.#layers.acknowledge();
  }

  close(): void {
    this.#layers.close();
  }

  /** What a projection sums within a gate; `unknown` while the gate does not exist. */
  #outlineOf(info: SpectrumInfo | undefined): ChannelOutline | undefined | 'unknown' {
    const { within } = this.#spec;
    if (within === undefined || info?.dimensions === 1) return undefined;
    if (info === undefined) return 'unknown';
    return outlineOf(within, info, this.#services.state.gates) ?? 'unknown';
  }

  /** The gate that the projection sums in, where SpecTcl has no such gate on this spectrum. */
  get missingGate(): string | undefined {
    const { within } = this.#spec;
    const { info } = this;
    const isMissing = info !== undefined && this.#outlineOf(info) === 'unknown';
    return isMissing && within !== undefined && 'gate' in within ? within.gate : undefined;
  }

  /** Whether a frame has all visible channels. */
  #covers({ head }: Frame): boolean {
    const { ranges } = this;
    return ranges === undefined || (head.x[0] <= ranges.x[0] && head.x[1] >= ranges.x[1]);
  }
}

/** Equal texts: the same counts of the same spectra. */
function countsOf({ rateS, sinceMs, projection, within }: PlotSpec): string {
  return JSON.stringify([rateS, sinceMs, projection, within]);
}
