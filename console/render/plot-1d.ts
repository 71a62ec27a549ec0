/**
 * Renders a one-dimensional spectrum as a step histogram of block characters.
 *
 * `spectrum-plot.ts` calls it for `mirrorflow show`. Pure: no I/O.
 */
import { channelWindow, type ChannelWindow } from './channel-window.js';
import { styled } from './colour.js';
import { formatCount } from '../../plotting/numbers.js';
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
import { cutTo, printable } from './printable.js';
import { envelope, peakOf, type Counts } from '../../plotting/resample.js';
import { countAxisTop, countScale, type CountScale } from '../../plotting/scale.js';
import { formatAxisValue } from '../../plotting/ticks.js';

/** From empty to full in eighths of a row. */
const BLOCKS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const ASCII_BLOCKS = [' ', '.', '.', '.', ':', ':', ':', '#', '#'] as const;
const EIGHTHS_PER_ROW = 8;
/** A single tick would not show the scale. */
const LEAST_TICKS = 2;
const ROWS_PER_TICK = 3;
const CAPTION_ROWS = 1;

export interface HistogramOptions extends PlotOptions {
  /** Counts per channel; only read. Values that are not above 0 are drawn as 0. */
  readonly counts: Counts;
  /** Lower edge of the first channel and upper edge of the last, in axis units. */
  readonly xmin: number;
  readonly xmax: number;
  /** Label of the contents; default: `counts`. */
  readonly ylabel?: string;
  /** Part of the axis to show, in axis units; widened to whole channels. */
  readonly range?: readonly [number, number] | undefined;
}

/**
 * The histogram as lines, at most `height` of at most `width` columns. A column shows the maximum
 * of its channels, so no peak disappears; the caption states when several channels share a column.
 * A channel with counts is never drawn as empty.
 */
export function renderHistogram(options: HistogramOptions): string[] {
  const { counts, unicode, colour } = options;
  const { width, height } = usableSize(options);
  const window = channelWindow(counts.length, options.xmin, options.xmax, options.range);
  const channels = window.end - window.first;
  if (channels <= 0) return withoutPicture(options, 'max 0', 'No channels in this range.');

  const peak = peakOf(counts, window.first, window.end);
  const maximum = describeMaximum(peak, window);
  const scale = countScale(options.scale, countAxisTop(peak.count));
  const rows = height - FRAME_ROWS - CAPTION_ROWS;
  const axis = gutter(rowTicks(scale, rows), Math.max(0, rows), unicode);
  const columns = width - axis.columns;
  if (!hasRoom(columns, rows))
    return withoutPicture(options, maximum, 'The terminal is too small for a plot.');

  const contents = envelope(counts, window.first, window.end, columns).high;
  const shown = options.stale === true ? 'dim' : 'cyan';
  return framed(options, maximum, {
    rows: bars(contents, scale, rows, unicode).map((row) => styled(row.trimEnd(), shown, colour)),
    gutter: axis,
    from: window.from,
    to: window.to,
    columns,
    footer: [styled(cutTo(caption(options, channels, columns), width, unicode), 'dim', colour)],
  });
}

function describeMaximum(peak: { count: number; channel: number }, window: ChannelWindow): string {
  if (peak.count === 0) return 'max 0';
  const middle = window.from + (peak.channel - window.first + 0.5) * window.channelWidth;
  const place = formatAxisValue(middle, window.channelWidth / 2);
  return `max ${formatCount(peak.count)} at ${place} (channel ${peak.channel})`;
}

/** A tick is in the row in which a bar of that count ends; the tick of 0 is on the axis line. */
function rowTicks(scale: CountScale, rows: number): RowTick[] {
  const most = Math.max(LEAST_TICKS, Math.floor(rows / ROWS_PER_TICK));
  return scale.ticks(most).map((tick) => ({
    row: Math.ceil(heightInEighths(tick.at, rows) / EIGHTHS_PER_ROW) - 1,
    label: tick.label,
  }));
}

function heightInEighths(unit: number, rows: number): number {
  return Math.round(unit * rows * EIGHTHS_PER_ROW);
}

/** Rows of the histogram, the top row first. */
function bars(contents: Float64Array, scale: CountScale, rows: number, unicode: boolean): string[] {
  const glyphs = unicode ? BLOCKS : ASCII_BLOCKS;
  const heights = Array.from(contents, (content) =>
    content > 0 ? Math.max(1, heightInEighths(scale.toUnit(content), rows)) : 0,
  );
  return Array.from({ length: rows }, (_, fromTop) => {
    const below = (rows - 1 - fromTop) * EIGHTHS_PER_ROW;
    return heights
      .map((eighths) => glyphs[Math.min(EIGHTHS_PER_ROW, Math.max(0, eighths - below))] ?? ' ')
      .join('');
  });
}

function caption(options: HistogramOptions, channels: number, columns: number): string {
  const ylabel = printable(options.ylabel ?? '', options.unicode).trim();
  const what = `${ylabel === '' ? 'counts' : ylabel}, ${options.scale} scale`;
  if (channels <= columns) return what;
  return `${what}; each column is the maximum of ${channelsPerCell(channels, columns)} channels`;
}
