/**
 * Renders a two-dimensional spectrum as a heat map.
 *
 * `spectrum-plot.ts` calls it for `mirrorflow show`. Pure: no I/O.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { channelWindow, type ChannelWindow } from './channel-window.js';
import { styled } from './colour.js';
import { cellPainter, type CellPainter, type Shade } from './heat-cells.js';
import { formatCount, formatShortCount } from '../../plotting/numbers.js';
import {
  channelsPerCell,
  FRAME_ROWS,
  framed,
  gutter,
  hasRoom,
  usableSize,
  withoutPicture,
  type PlotOptions,
  type RowTick,
} from './plot-frame.js';
import { columnsOf, cutTo, printable } from './printable.js';
import { cellEdges, peakOf, type Counts } from '../../plotting/resample.js';
import { countAxisTop, countScale, type CountScale } from '../../plotting/scale.js';
import { formatAxisValue, labelledTicks } from '../../plotting/ticks.js';

/** A single tick would not show the scale. */
const LEAST_TICKS = 2;
const ROWS_PER_TICK = 4;
const KEY_HALF_COLUMNS = 9;
/** Colour key and caption. */
const FOOTER_ROWS = 2;

/**
 * How channels that share a cell are combined. `max`, the default, keeps a single hot channel of a
 * sparse matrix visible; `mean` shows the density of a well-filled one without statistical noise,
 * but fades narrow peaks.
 */
export type Resampling = 'max' | 'mean';

export interface HeatMapOptions extends PlotOptions {
  /** `xchans` × `ychans` counts, row by row, x fastest; only read. */
  readonly counts: Counts;
  readonly xchans: number;
  readonly ychans: number;
  readonly xmin: number;
  readonly xmax: number;
  readonly ymin: number;
  readonly ymax: number;
  readonly ylabel: string;
  readonly resampling?: Resampling;
  /** Parts of the axes to show, in axis units; widened to whole channels. */
  readonly xrange?: readonly [number, number] | undefined;
  readonly yrange?: readonly [number, number] | undefined;
}

/**
 * The heat map as lines, at most `height` of at most `width` columns, row 0 at the bottom.
 * Throws BAD_OPTION when `counts` does not hold `xchans` × `ychans` contents.
 */
export function renderHeatMap(options: HeatMapOptions): string[] {
  const { counts, xchans, ychans, unicode, colour } = options;
  if (counts.length !== xchans * ychans) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `a spectrum of ${xchans} x ${ychans} channels has ${xchans * ychans} contents, not ${counts.length}`,
    );
  }
  const { width, height } = usableSize(options);
  const x = channelWindow(xchans, options.xmin, options.xmax, options.xrange);
  const y = channelWindow(ychans, options.ymin, options.ymax, options.yrange);
  if (x.end <= x.first || y.end <= y.first) {
    return withoutPicture(options, 'max 0', 'No channels in this range.');
  }

  const maximum = describeMaximum(options, x, y);
  const rows = height - FRAME_ROWS - FOOTER_ROWS;
  const axis = gutter(rowTicks(y, rows), Math.max(0, rows), unicode);
  const columns = width - axis.columns;
  if (!hasRoom(columns, rows))
    return withoutPicture(options, maximum, 'The terminal is too small for a plot.');

  const painter = cellPainter(options);
  const pixelRows = rows * painter.valuesPerCell;
  const values = resampled(options, x, y, columns, pixelRows);
  const scale = countScale(options.scale, countAxisTop(peakOf(values, 0, values.length).count));
  return framed(options, maximum, {
    rows: cells(values, scale, painter, columns, rows),
    gutter: axis,
    from: x.from,
    to: x.to,
    columns,
    footer: [
      key(scale, painter, width),
      styled(cutTo(caption(options, x, y, columns, pixelRows), width, unicode), 'dim', colour),
    ],
  });
}

function describeMaximum({ counts, xchans }: HeatMapOptions, x: ChannelWindow, y: ChannelWindow): string {
  let [count, column, row] = [0, 0, 0];
  for (let j = y.first; j < y.end; j += 1) {
    for (let i = x.first; i < x.end; i += 1) {
      const content = counts[j * xchans + i] ?? 0;
      if (content > count) [count, column, row] = [content, i, j];
    }
  }
  if (count === 0) return 'max 0';
  return `max ${formatCount(count)} at (${middleOf(column, x)}, ${middleOf(row, y)})`;
}

function middleOf(channel: number, window: ChannelWindow): string {
  const middle = window.from + (channel - window.first + 0.5) * window.channelWidth;
  return formatAxisValue(middle, window.channelWidth / 2);
}

function rowTicks(y: ChannelWindow, rows: number): RowTick[] {
  const most = Math.max(LEAST_TICKS, Math.floor(rows / ROWS_PER_TICK));
  return labelledTicks(y.from, y.to, most).map(({ value, label }) => ({
    row: Math.min(rows - 1, Math.floor(((value - y.from) / (y.to - y.from)) * rows)),
    label,
  }));
}

/** Maximum or mean of the channels of every pixel, row by row, row 0 (the lowest) first. */
function resampled(
  { counts, xchans, resampling }: HeatMapOptions,
  x: ChannelWindow,
  y: ChannelWindow,
  columns: number,
  rows: number,
): Float64Array {
  const across = cellEdges(x.first, x.end, columns);
  const up = cellEdges(y.first, y.end, rows);
  const values = new Float64Array(columns * rows);
  for (let row = 0; row < rows; row += 1) {
    const [bottom, top] = [up.starts[row] ?? 0, up.ends[row] ?? 0];
    for (let column = 0; column < columns; column += 1) {
      const [left, right] = [across.starts[column] ?? 0, across.ends[column] ?? 0];
      let largest = 0;
      let sum = 0;
      for (let j = bottom; j < top; j += 1) {
        for (let i = j * xchans + left; i < j * xchans + right; i += 1) {
          const content = counts[i] ?? 0;
          // Negative contents and NaN count as empty, here and in every scale.
          if (content > 0) sum += content;
          if (content > largest) largest = content;
        }
      }
      const mean = sum / ((top - bottom) * (right - left));
      values[row * columns + column] = resampling === 'mean' ? mean : largest;
    }
  }
  return values;
}

/** The rows of the map, the top row first. */
function cells(
  values: Float64Array,
  scale: CountScale,
  painter: CellPainter,
  columns: number,
  rows: number,
): string[] {
  const pixelRow = (row: number): Shade[] =>
    Array.from(values.subarray(row * columns, (row + 1) * columns), (value) =>
      value > 0 ? scale.toUnit(value) : undefined,
    );
  return Array.from({ length: rows }, (_, fromTop) => {
    const row = rows - 1 - fromTop;
    if (painter.valuesPerCell === 1) return painter.paint(pixelRow(row), []);
    return painter.paint(pixelRow(row * 2 + 1), pixelRow(row * 2));
  });
}

/** The colour key, `0 blank 1 ▉▉▉▉ 32 ▉▉▉▉ 1k`; empty where it does not fit. */
function key(scale: CountScale, painter: CellPainter, width: number): string {
  const part = (half: number): string => {
    const shades = Array.from(
      { length: KEY_HALF_COLUMNS },
      (_, index) => (half * KEY_HALF_COLUMNS + index + 0.5) / (2 * KEY_HALF_COLUMNS),
    );
    return painter.paint(shades, shades);
  };
  const [low, middle, high] = [0, 0.5, 1].map((unit) => formatShortCount(scale.toCount(unit)));
  const texts = [`0 blank  ${low} `, ` ${middle} `, ` ${high}`];
  const columns = columnsOf(texts.join('')) + 2 * KEY_HALF_COLUMNS;
  return columns > width ? '' : `${texts[0]}${part(0)}${texts[1]}${part(1)}${texts[2]}`;
}

function caption(
  options: HeatMapOptions,
  x: ChannelWindow,
  y: ChannelWindow,
  columns: number,
  pixelRows: number,
): string {
  const ylabel = printable(options.ylabel, options.unicode).trim();
  const what = `${ylabel === '' ? '' : `y: ${ylabel}; `}counts, ${options.scale} scale`;
  const [channelsAcross, channelsUp] = [x.end - x.first, y.end - y.first];
  if (channelsAcross <= columns && channelsUp <= pixelRows) return what;
  const shared = `${channelsPerCell(channelsAcross, columns)} x ${channelsPerCell(channelsUp, pixelRows)}`;
  return `${what}; each point is the ${options.resampling === 'mean' ? 'mean' : 'maximum'} of ${shared} channels`;
}
