/**
 * The axis of a spectrum (a histogram of counts in channels): conversion between stored channels
 * and the physical units (keV, ns) that the source assigns to them; visible ranges; overlays of
 * several spectra. Used by page and server. Pure.
 */
import type { ChannelRange } from '../wire/ranges.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';

export interface Axis {
  /** Number of stored channels. */
  readonly channels: number;
  /** The stored channels that are neither under- nor overflow, the end not included. */
  readonly inRange: ChannelRange;
  /** Units at the beginning and the end of `inRange`. */
  readonly low: number;
  readonly high: number;
  readonly label: string;
}

export function xAxis(info: SpectrumInfo): Axis {
  return axisOf(info.xchans, info.xoutside, info.xmin, info.xmax, info.xlabel || info.parameters?.[0]);
}

export function yAxis(info: SpectrumInfo): Axis {
  return axisOf(info.ychans, info.youtside, info.ymin, info.ymax, info.ylabel || info.parameters?.[1]);
}

/**
 * The channels of an axis that are neither under- nor overflow. `outside`: its first and last
 * channel are.
 */
export function inRangeChannels(channels: number, outside: boolean): ChannelRange {
  return outside && channels > 2 ? [1, channels - 1] : [0, Math.max(1, channels)];
}

function axisOf(channels: number, outside: boolean, low: number, high: number, label?: string): Axis {
  const inRange = inRangeChannels(channels, outside);
  // Without a range of units the channels are the units.
  const hasUnits = Number.isFinite(low) && Number.isFinite(high) && high > low;
  return {
    channels,
    inRange,
    low: hasUnits ? low : 0,
    high: hasUnits ? high : inRange[1] - inRange[0],
    label: label ?? '',
  };
}

/**
 * Units of a stored channel number, which may be fractional: 3.5 is the middle of channel 3.
 */
export function toUnits(axis: Axis, channel: number): number {
  const bins = axis.inRange[1] - axis.inRange[0];
  return axis.low + ((channel - axis.inRange[0]) * (axis.high - axis.low)) / bins;
}

/** The fractional stored channel of a value in units. */
export function toChannel(axis: Axis, value: number): number {
  const bins = axis.inRange[1] - axis.inRange[0];
  return axis.inRange[0] + ((value - axis.low) * bins) / (axis.high - axis.low);
}

/** Width of one channel, in units. */
export function channelWidth(axis: Axis): number {
  return (axis.high - axis.low) / (axis.inRange[1] - axis.inRange[0]);
}

/** The requested range in whole channels, moved into the axis, at least `least` channels wide. */
export function fitRange(axis: Axis, from: number, to: number, least = 4): ChannelRange {
  const [first, last] = axis.inRange;
  const width = Math.min(last - first, Math.max(least, Math.round(to - from)));
  const start = Math.min(Math.max(first, Math.round(from)), last - width);
  return [start, start + width];
}

/** The part of a range inside another; never empty. */
export function clampTo([first, last]: ChannelRange, [from, to]: ChannelRange): ChannelRange {
  const start = Math.min(Math.max(first, from), last - 1);
  return [start, Math.max(start + 1, Math.min(last, to))];
}

/** The range scaled about one of its channels; a factor below 1 zooms in. */
export function zoomRange(axis: Axis, range: ChannelRange, about: number, factor: number): ChannelRange {
  return fitRange(axis, about - (about - range[0]) * factor, about + (range[1] - about) * factor);
}

/** The range moved by a number of channels, as far as the axis reaches. */
export function panRange(axis: Axis, range: ChannelRange, channels: number): ChannelRange {
  return fitRange(axis, range[0] + channels, range[1] + channels);
}

/** Where the channels of an overlaid spectrum lie on the axis of the first spectrum of a plot. */
export interface Placement {
  /** Channels of the first axis per channel of the other, and where its channel 0 lies. */
  readonly scale: number;
  readonly offset: number;
}

export const IDENTITY_PLACEMENT: Placement = { scale: 1, offset: 0 };

/**
 * Places 511 keV of the other axis above 511 keV of the first one; with `byChannel` the first
 * channels in range above each other.
 */
export function overlayPlacement(first: Axis, other: Axis, byChannel: boolean): Placement {
  if (byChannel) return { scale: 1, offset: first.inRange[0] - other.inRange[0] };
  const offset = toChannel(first, toUnits(other, 0));
  return { scale: toChannel(first, toUnits(other, 1)) - offset, offset };
}

/** Undefined for the whole axis, so that links stay short. */
export function undefinedIfWhole(axis: Axis, range: ChannelRange): ChannelRange | undefined {
  return range[0] <= axis.inRange[0] && range[1] >= axis.inRange[1] ? undefined : range;
}
