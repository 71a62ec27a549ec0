/**
 * Which counts one plot subscribes to: the visible channels, in the resolution of its canvas.
 * `Plot` calls it when settings, size or visibility change. Pure but for the size of the screen's
 * pixels.
 */
import { clampTo, xAxis, yAxis, type Placement } from '../view/axis.js';
import { spectrumAtMoment } from '../view/moment.js';
import type { PlotSpec } from '../view/plot-spec.js';
import type { ChannelRange } from '../wire/ranges.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';
import type { ChannelOutline, RegionRequest } from '../wire/subscription.js';
import type { CanvasSize } from './plot-surface.js';
import type { SubscriptionRequest } from './subscriptions.js';

/**
 * A 1-D spectrum of up to so many channels is subscribed to as a whole, so that zooming needs no
 * new frame and the counts under the cursor are exact.
 */
const WHOLE_CHANNELS = 8_192;
/** Values of a map across or up: the pixels of the canvas, in steps so that frames are shared. */
const CELLS = { step: 128, max: 1_024 };

/** One spectrum of a plot as it is shown now. */
export interface ShownSpectrum {
  readonly name: string;
  /** Undefined before the list has arrived. */
  readonly info: SpectrumInfo | undefined;
  readonly regions: readonly RegionRequest[] | undefined;
  /** Whether the figures inside the gates of the spectrum are requested. */
  readonly gates: boolean;
  /** The outline within which a projection sums; undefined for all channels, or those of a band. */
  readonly within: ChannelOutline | undefined;
  /** Place of the spectrum on the axis of the plot. */
  readonly placement: Placement;
  /** The visible channels of the plot; undefined before its axes are known. */
  readonly visible: ChannelRange | undefined;
}

/** The request for a 1-D spectrum or a projection. */
export function histogramRequest(spec: PlotSpec, shown: ShownSpectrum): SubscriptionRequest {
  return {
    ...commonRequest(spec, shown),
    x: channelsOf(spec, shown),
    y: undefined,
    columns: WHOLE_CHANNELS,
    rows: 1,
  };
}

export function mapRequest(
  spec: PlotSpec,
  shown: ShownSpectrum,
  { width, height }: CanvasSize,
): SubscriptionRequest {
  const ratio = Math.min(2, devicePixelRatio || 1);
  const cells = (pixels: number): number =>
    Math.min(CELLS.max, Math.max(CELLS.step, Math.ceil((pixels * ratio) / CELLS.step) * CELLS.step));
  return {
    ...commonRequest(spec, shown),
    x: spec.x,
    y: spec.y,
    columns: cells(width),
    rows: cells(height),
  };
}

/** An overlay of a moment shows all its counts, whatever the others show. */
function commonRequest({ rateS, sinceMs, projection, band }: PlotSpec, shown: ShownSpectrum) {
  const { name, regions, within } = shown;
  const { spectrum, atMs } = spectrumAtMoment(name);
  const gates = shown.gates || undefined;
  const part = { spectrum, projection, band, within, regions, gates };
  if (atMs !== undefined) return { ...part, atMs };
  return { ...part, rateS, sinceMs: rateS === undefined ? sinceMs : undefined };
}

/** The visible channels of a long 1-D spectrum; undefined for all channels. */
function channelsOf(
  { projection }: PlotSpec,
  { info, placement: { scale, offset }, visible }: ShownSpectrum,
): ChannelRange | undefined {
  if (info === undefined || visible === undefined) return undefined;
  const axis = projection === 'y' ? yAxis(info) : xAxis(info);
  if (axis.channels <= WHOLE_CHANNELS) return undefined;
  return clampTo(axis.inRange, [
    Math.floor((visible[0] - offset) / scale),
    Math.ceil((visible[1] - offset) / scale),
  ]);
}
