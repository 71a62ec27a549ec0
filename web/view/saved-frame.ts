/**
 * A spectrum of a file as a frame, so that a plot shows it like one of the server, and a frame as
 * such a spectrum. The page calls it for files that the user opens, and for JSROOT. Pure.
 */
import type { SavedAxis, SavedSpectrum } from '../../plotting/files/saved-spectrum.js';
import type { ChannelRange } from '../wire/ranges.js';
import { clampTo, toUnits, xAxis, yAxis, type Axis } from './axis.js';
import type { FrameContent } from '../wire/packed-frame.js';

/** `name`: what plots call it. All channels are in range. */
export function savedFrame({ type, x, y, counts, atMs }: SavedSpectrum, name: string): FrameContent {
  const values = Float64Array.from(counts);
  let [sum, max] = [0, 0];
  for (const count of values) {
    sum += count;
    if (count > max) max = count;
  }
  const ychans = y?.channels ?? 1;
  return {
    values,
    head: {
      values: 'f64',
      info: {
        name,
        type,
        dimensions: y === undefined ? 1 : 2,
        xchans: x.channels,
        ychans,
        xmin: x.low,
        xmax: x.high,
        ymin: y?.low ?? 0,
        ymax: y?.high ?? 0,
        xlabel: x.label,
        ylabel: y?.label ?? '',
        xoutside: false,
        youtside: false,
      },
      dimensions: y === undefined ? 1 : 2,
      x: [0, x.channels],
      xgroup: 1,
      y: [0, ychans],
      ygroup: 1,
      columns: x.channels,
      rows: ychans,
      max,
      sum,
      overflows: [],
      underflows: [],
      atMs,
      sequence: 0,
    },
  };
}

/**
 * The part of a spectrum that a frame has, without under- and overflow channels; undefined where
 * several channels make one value.
 */
export function frameSpectrum({ head, values }: FrameContent, name: string): SavedSpectrum | undefined {
  const { info, xgroup, ygroup, columns, rows, atMs } = head;
  if (xgroup !== 1 || ygroup !== 1) return undefined;
  const [x, y] = [xAxis(info), yAxis(info)];
  const across = clampTo(x.inRange, head.x);
  const isMap = head.dimensions === 2;
  const up: ChannelRange = isMap ? clampTo(y.inRange, head.y) : [head.y[0], head.y[0] + rows];
  const width = across[1] - across[0];
  const counts = new Float64Array(width * (up[1] - up[0]));
  for (let row = up[0]; row < up[1]; row += 1) {
    const start = (row - head.y[0]) * columns + across[0] - head.x[0];
    for (let column = 0; column < width; column += 1) {
      counts[(row - up[0]) * width + column] = values[start + column] ?? 0;
    }
  }
  return {
    name,
    type: info.type,
    x: partOf(x, across),
    ...(isMap ? { y: partOf(y, up) } : {}),
    counts,
    atMs,
  };
}

function partOf(axis: Axis, [first, last]: ChannelRange): SavedAxis {
  const [low, high] = [toUnits(axis, first), toUnits(axis, last)];
  return { label: axis.label, low, high, channels: last - first };
}
