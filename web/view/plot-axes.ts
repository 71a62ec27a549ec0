/**
 * The axes of a plot by its settings: which axis of a spectrum lies across, which channels are
 * visible, and where overlaid spectra are placed. `Plot` of the page uses it. Pure.
 */
import type { ChannelRange } from '../wire/ranges.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';
import {
  fitRange,
  IDENTITY_PLACEMENT,
  overlayPlacement,
  toChannel,
  xAxis,
  yAxis,
  type Axis,
  type Placement,
} from './axis.js';
import type { PlotSpec } from './plot-spec.js';
import { usableOrigin, type LogOrigin } from './x-position.js';

export interface PlotAxes {
  readonly x: Axis;
  readonly y: Axis;
}

export interface PlotRanges {
  readonly x: ChannelRange;
  readonly y: ChannelRange;
}

/** `info`: of the first spectrum. A projection has the axis that it is onto as `x`. */
export function axesOf(info: SpectrumInfo, { projection }: PlotSpec): PlotAxes {
  return projection === 'y' ? { x: yAxis(info), y: xAxis(info) } : { x: xAxis(info), y: yAxis(info) };
}

/** The visible channels: all in range where the settings have no part. */
export function rangesOf(axes: PlotAxes, { x, y }: PlotSpec): PlotRanges {
  return {
    x: x === undefined ? axes.x.inRange : fitRange(axes.x, x[0], x[1], 1),
    y: y === undefined ? axes.y.inRange : fitRange(axes.y, y[0], y[1], 1),
  };
}

/** The place of an overlaid spectrum on the axis of the first one. */
export function placementOf(
  info: SpectrumInfo,
  axes: PlotAxes | undefined,
  { spectra, channels }: PlotSpec,
): Placement {
  if (axes === undefined || info.name === spectra[0]) return IDENTITY_PLACEMENT;
  return overlayPlacement(axes.x, xAxis(info), channels);
}

/** The channel that is 0 of a logarithmic x axis; undefined where the axis is even. */
export function logOriginOf(
  axes: PlotAxes | undefined,
  ranges: PlotRanges | undefined,
  { look, channels }: PlotSpec,
): LogOrigin {
  if (!look.logX || axes === undefined || ranges === undefined) return undefined;
  return usableOrigin(channels ? axes.x.inRange[0] : toChannel(axes.x, 0), ranges.x);
}
