/** Channels and what they mean: stored channel ↔ the units of the map. Pure. */
import type { ChannelRange, SpectrumInfo } from '../wire/messages.js';

export interface Axis {
  /** Stored channels, and those of them that lie inside the range of the map. */
  readonly channels: number;
  readonly inRange: ChannelRange;
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

function axisOf(channels: number, outside: boolean, low: number, high: number, label?: string): Axis {
  const inside: ChannelRange = outside && channels > 2 ? [1, channels - 1] : [0, Math.max(1, channels)];
  // A map without a range says nothing: then channels are the units.
  const known = Number.isFinite(low) && Number.isFinite(high) && high > low;
  return {
    channels,
    inRange: inside,
    low: known ? low : 0,
    high: known ? high : inside[1] - inside[0],
    label: label ?? '',
  };
}

/**
 * `channel` may lie between two: 3.5 is the middle of channel 3. The first channel inside is
 * channel 0 of the axis.
 */
export function toUnits(axis: Axis, channel: number): number {
  const bins = axis.inRange[1] - axis.inRange[0];
  return axis.low + ((channel - axis.inRange[0]) * (axis.high - axis.low)) / bins;
}

export function toChannel(axis: Axis, value: number): number {
  const bins = axis.inRange[1] - axis.inRange[0];
  return axis.inRange[0] + ((value - axis.low) * bins) / (axis.high - axis.low);
}

/** Units of one channel. */
export function channelWidth(axis: Axis): number {
  return (axis.high - axis.low) / (axis.inRange[1] - axis.inRange[0]);
}

/** Whole channels around a wish, inside the axis, at least `least` of them. */
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

/** The range scaled about a place in it by a factor; a smaller one is closer. */
export function zoomRange(axis: Axis, range: ChannelRange, about: number, factor: number): ChannelRange {
  return fitRange(axis, about - (about - range[0]) * factor, about + (range[1] - about) * factor);
}

export function panRange(axis: Axis, range: ChannelRange, channels: number): ChannelRange {
  return fitRange(axis, range[0] + channels, range[1] + channels);
}

/** How the channels of an overlaid spectrum lie on the axis of the first one. */
export interface Placement {
  /** Channels of the first for one channel of the other, and where its channel 0 lies. */
  readonly scale: number;
  readonly offset: number;
}

export const IDENTITY_PLACEMENT: Placement = { scale: 1, offset: 0 };

/**
 * By what the channels mean: 511 keV lies where 511 keV is. `byChannel` counts channels from the
 * first inside instead.
 */
export function overlayPlacement(first: Axis, other: Axis, byChannel: boolean): Placement {
  if (byChannel) return { scale: 1, offset: first.inRange[0] - other.inRange[0] };
  const offset = toChannel(first, toUnits(other, 0));
  return { scale: toChannel(first, toUnits(other, 1)) - offset, offset };
}

/** Undefined when it is everything, so that links stay short. */
export function undefinedIfWhole(axis: Axis, range: ChannelRange): ChannelRange | undefined {
  return range[0] <= axis.inRange[0] && range[1] >= axis.inRange[1] ? undefined : range;
}
