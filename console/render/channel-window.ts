/**
 * Selects the channels of an axis that a plot shows: converts a range in axis units to channels.
 *
 * The renderers of histograms (`plot-1d.ts`) and heat maps (`plot-2d.ts`) call it for each axis.
 * Pure: no I/O.
 */

/** A run of channels and the stretch of the axis that they cover. */
export interface ChannelWindow {
  /** First channel shown. */
  readonly first: number;
  /** Channel behind the last one shown; larger than `first` unless nothing is shown. */
  readonly end: number;
  /** Lower edge of the first channel and upper edge of the last, in axis units. */
  readonly from: number;
  readonly to: number;
  /** Width of one channel in axis units. */
  readonly channelWidth: number;
}

/**
 * The whole channels that overlap `range` (axis units, either order); all channels without a range.
 * An axis that is not finite or not increasing is replaced by channel numbers: a display memory may
 * hold anything, and a plot over channels is still a plot.
 */
export function channelWindow(
  channels: number,
  min: number,
  max: number,
  range?: readonly [number, number],
): ChannelWindow {
  const isUsable = Number.isFinite(max - min) && max > min;
  const low = isUsable ? min : 0;
  const channelWidth = isUsable ? (max - min) / channels : 1;
  let first = 0;
  let end = channels;
  if (range !== undefined) {
    const [from, to] = range[0] <= range[1] ? range : [range[1], range[0]];
    first = clamp(Math.floor((from - low) / channelWidth), channels, 0);
    end = clamp(Math.ceil((to - low) / channelWidth), channels, channels);
    // A range inside one channel, or a point, shows that channel.
    if (end === first && first < channels && to >= low) end = first + 1;
  }
  return {
    first,
    end,
    from: low + first * channelWidth,
    to: low + end * channelWidth,
    channelWidth,
  };
}

function clamp(channel: number, channels: number, fallback: number): number {
  return Number.isNaN(channel) ? fallback : Math.min(channels, Math.max(0, channel));
}
