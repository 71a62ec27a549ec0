/**
 * Arithmetic on the counts of a spectrum (a histogram of one or two axes of channels) before they
 * are sent to a page: differences, projections, sums, moments of a region, and reduction to the
 * number of values that a screen can show. Used by `frames.ts`. Pure.
 */
import type { RegionStatistics, ValueType, Values } from '../wire/frame.js';
import type { ChannelRange } from '../wire/ranges.js';

/** Counts of all stored channels, row by row; one row for 1-D. */
export interface Grid {
  readonly values: Values;
  readonly xchans: number;
  readonly ychans: number;
}

/** Counts of a part, where one value stands for `xgroup` × `ygroup` channels. */
export interface Reduced {
  readonly values: Values;
  readonly columns: number;
  readonly rows: number;
  readonly xgroup: number;
  readonly ygroup: number;
  readonly max: number;
}

/**
 * The increase of each channel between two samples. A channel that decreased was cleared in
 * between, so all its counts are new.
 */
export function difference(current: Values, earlier: Values): Values {
  const values = new Uint32Array(current.length);
  for (let channel = 0; channel < current.length; channel += 1) {
    const count = current[channel] ?? 0;
    const before = earlier[channel] ?? 0;
    values[channel] = count >= before ? count - before : count;
  }
  return values;
}

/** Sums onto `axis` over the channels `band` of the other axis, its end not included. */
export function project({ values, xchans, ychans }: Grid, axis: 'x' | 'y', band: ChannelRange): Values {
  if (axis === 'x') {
    const sums = new Float64Array(xchans);
    for (let y = band[0]; y < Math.min(band[1], ychans); y += 1) {
      const row = y * xchans;
      for (let x = 0; x < xchans; x += 1) sums[x]! += values[row + x] ?? 0;
    }
    return sums;
  }
  const sums = new Float64Array(ychans);
  for (let y = 0; y < ychans; y += 1) {
    const row = y * xchans;
    let sum = 0;
    for (let x = band[0]; x < Math.min(band[1], xchans); x += 1) sum += values[row + x] ?? 0;
    sums[y] = sum;
  }
  return sums;
}

/** The sum of all counts, exact to 2^53. */
export function sumOf(values: Values): number {
  let sum = 0;
  for (let channel = 0; channel < values.length; channel += 1) sum += values[channel] ?? 0;
  return sum;
}

/**
 * First and second moments of the counts in a region, in channels; null without counts.
 */
export function regionStatistics(
  { values, xchans, ychans }: Grid,
  x: ChannelRange,
  y: ChannelRange,
): RegionStatistics {
  let sum = 0;
  let sumX = 0;
  let sumXX = 0;
  let sumY = 0;
  let sumYY = 0;
  // Moments about a corner of the region: squares of large channel numbers would lose digits.
  const [x0, y0] = [x[0], y[0]];
  for (let row = y0; row < Math.min(y[1], ychans); row += 1) {
    const dy = row - y0 + 0.5;
    for (let channel = x0; channel < Math.min(x[1], xchans); channel += 1) {
      const count = values[row * xchans + channel] ?? 0;
      if (count === 0) continue;
      const dx = channel - x0 + 0.5;
      sum += count;
      sumX += count * dx;
      sumXX += count * dx * dx;
      sumY += count * dy;
      sumYY += count * dy * dy;
    }
  }
  if (sum === 0) return { sum, xmean: null, xsigma: null, ymean: null, ysigma: null };
  const spread = (first: number, second: number): number =>
    Math.sqrt(Math.max(0, second / sum - (first / sum) ** 2));
  return {
    sum,
    xmean: x0 + sumX / sum,
    xsigma: spread(sumX, sumXX),
    ymean: y0 + sumY / sum,
    ysigma: spread(sumY, sumYY),
  };
}

/**
 * The visible part of a grid in at most `limit.columns` by `limit.rows` values. With more channels
 * than values each group of channels becomes its highest, so that no peak and no single count
 * disappears. The last group of a row or column may be smaller.
 */
export function reduce(
  grid: Grid,
  x: ChannelRange,
  y: ChannelRange,
  limit: { columns: number; rows: number },
): Reduced {
  const { values, xchans } = grid;
  const xgroup = Math.max(1, Math.ceil((x[1] - x[0]) / limit.columns));
  const ygroup = Math.max(1, Math.ceil((y[1] - y[0]) / limit.rows));
  const columns = Math.ceil((x[1] - x[0]) / xgroup);
  const rows = Math.ceil((y[1] - y[0]) / ygroup);
  const reduced = new Float64Array(columns * rows);
  let max = 0;
  for (let row = y[0]; row < y[1]; row += 1) {
    const gridRow = row * xchans;
    let target = Math.floor((row - y[0]) / ygroup) * columns;
    let leftInGroup = xgroup;
    for (let channel = x[0]; channel < x[1]; channel += 1) {
      const count = values[gridRow + channel] ?? 0;
      if (count > (reduced[target] ?? 0)) {
        reduced[target] = count;
        if (count > max) max = count;
      }
      leftInGroup -= 1;
      if (leftInGroup === 0) {
        target += 1;
        leftInGroup = xgroup;
      }
    }
  }
  return { values: packed(reduced, max), columns, rows, xgroup, ygroup, max };
}

/** Whole numbers from 0 in the smallest type that holds `max`. */
function packed(values: Float64Array, max: number): Values {
  if (max < 2 ** 8) return Uint8Array.from(values);
  if (max < 2 ** 16) return Uint16Array.from(values);
  return max < 2 ** 32 ? Uint32Array.from(values) : values;
}

export function valueType(values: Values): ValueType {
  if (values instanceof Uint8Array) return 'u8';
  if (values instanceof Uint16Array) return 'u16';
  return values instanceof Uint32Array ? 'u32' : 'f64';
}

/** The part of a range that lies on an axis of `channels` channels; never empty. */
export function clampRange(range: ChannelRange, channels: number): ChannelRange {
  const from = Math.min(Math.max(0, range[0]), Math.max(0, channels - 1));
  return [from, Math.max(from + 1, Math.min(range[1], channels))];
}
