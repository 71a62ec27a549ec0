/**
 * Counts of consecutive channels with their axis: the input of everything in this room. Used by
 * page, server and console. Pure. Channel i covers low + i·width to low + (i + 1)·width.
 */
import { MirrorflowError } from '../protocol/base/errors.js';

export interface Channels {
  readonly counts: ArrayLike<number>;
  /** Lower edge of the first channel, in units of the axis. */
  readonly low: number;
  /** Width of a channel, in units of the axis; above 0. */
  readonly width: number;
}

/** A part of an axis, in its units. */
export interface AxisRange {
  readonly low: number;
  readonly high: number;
}

export function highEdge({ counts, low, width }: Channels): number {
  return low + counts.length * width;
}

/**
 * The whole channels of a range: each limit moves to the nearest edge of a channel. Throws
 * BAD_OPTION for a range that is empty or outside the axis.
 */
export function channelsBetween(channels: Channels, { low, high }: AxisRange): Channels {
  const { counts, width } = channels;
  const first = Math.round((low - channels.low) / width);
  const end = Math.round((high - channels.low) / width);
  const [from, to] = [Math.max(0, first), Math.min(counts.length, end)];
  if (!(to > from)) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the range ${low} to ${high} has no channel; the axis goes from ${channels.low} to ${highEdge(channels)} in ` +
        `channels of ${width}`,
      { low, high, axisLow: channels.low, axisHigh: highEdge(channels) },
    );
  }
  const part = Float64Array.from({ length: to - from }, (_, index) => counts[from + index] ?? 0);
  return { counts: part, low: channels.low + from * width, width };
}
