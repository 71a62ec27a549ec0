/**
 * Which channels a plot shows, and how many channels become fewer (or more) columns without losing
 * one.
 */

/** Channel contents: any typed array of counts, or numbers. Only read. */
export type Counts = ArrayLike<number>;

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
  const usable = Number.isFinite(max - min) && max > min;
  const low = usable ? min : 0;
  const channelWidth = usable ? (max - min) / channels : 1;
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

/** The largest content of a run of channels and the first channel that holds it. */
export function peakOf(counts: Counts, first: number, end: number): { count: number; channel: number } {
  let count = 0;
  let channel = first;
  for (let index = first; index < end; index += 1) {
    const here = counts[index] ?? 0;
    if (here > count) {
      count = here;
      channel = index;
    }
  }
  return { count, channel };
}

/**
 * The edges between `cells` cells that share the channels `first` to `end` evenly: cell i starts at
 * channel `starts[i]` and ends before `ends[i]`. No cell is empty and every channel is in a cell:
 * with more channels than cells each channel is in exactly one, with fewer each cell shows one
 * channel.
 */
export function shareOut(
  first: number,
  end: number,
  cells: number,
): { readonly starts: Float64Array; readonly ends: Float64Array } {
  const channels = end - first;
  const starts = new Float64Array(cells);
  const ends = new Float64Array(cells);
  for (let cell = 0; cell < cells; cell += 1) {
    const start = Math.floor((cell * channels) / cells);
    starts[cell] = first + start;
    ends[cell] = first + Math.max(start + 1, Math.floor(((cell + 1) * channels) / cells));
  }
  return { starts, ends };
}

/** The largest content of each column's channels: a peak of one channel survives any reduction. */
export function largestPerColumn(counts: Counts, first: number, end: number, columns: number): Float64Array {
  const { starts, ends } = shareOut(first, end, columns);
  return starts.map((start, column) => peakOf(counts, start, ends[column] ?? start).count);
}
