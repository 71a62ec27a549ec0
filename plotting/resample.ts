/**
 * Reduces (or stretches) the channels of a spectrum to the columns of a plot without losing a peak.
 *
 * The console's histograms and heat maps and the web page's histograms call these functions. Pure:
 * no I/O.
 */

/** Channel contents: any typed array of counts, or numbers. Only read. */
export type Counts = ArrayLike<number>;

/**
 * The largest content of the channels `first` to before `end`, and the first channel that holds it.
 * Without a content above 0: 0 at `first`.
 */
export function peakOf(counts: Counts, first: number, end: number): { count: number; channel: number } {
  let count = 0;
  let channel = first;
  for (let index = first; index < end; index += 1) {
    const content = counts[index] ?? 0;
    if (content > count) {
      count = content;
      channel = index;
    }
  }
  return { count, channel };
}

/**
 * Divides the channels `first` to before `end` evenly among `cells` cells: cell i covers the
 * channels `starts[i]` to before `ends[i]`. No cell is empty and every channel is in a cell: with
 * more channels than cells each channel is in exactly one, with fewer each cell covers one channel.
 */
export function cellEdges(
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

/** The lowest and the highest content of each column. */
export interface Envelope {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/**
 * The envelope of the channels `first` to before `end` in `columns` columns: a peak of one channel
 * survives any reduction. NaN is left out; a column with nothing else has its low above its high.
 */
export function envelope(counts: Counts, first: number, end: number, columns: number): Envelope {
  const { starts, ends } = cellEdges(first, end, columns);
  const low = new Float64Array(columns);
  const high = new Float64Array(columns);
  for (let column = 0; column < columns; column += 1) {
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    const endOfColumn = ends[column] ?? 0;
    for (let channel = starts[column] ?? 0; channel < endOfColumn; channel += 1) {
      const content = counts[channel] ?? 0;
      if (content < least) least = content;
      if (content > most) most = content;
    }
    low[column] = least;
    high[column] = most;
  }
  return { low, high };
}
