/**
 * The frame around a plot: heading, axes with ticks, captions, and the fit into the terminal.
 *
 * The renderers of histograms (`plot-1d.ts`) and heat maps (`plot-2d.ts`) call it. Pure: no I/O.
 */
import { styled, type TerminalStyle } from './colour.js';
import { formatCount } from '../../plotting/numbers.js';
import { columnsOf, cutTo, padLeft, printable } from './printable.js';
import type { ScaleName } from '../../plotting/scale.js';
import { labelledTicks } from '../../plotting/ticks.js';

/** Limits of a plot's size, which bound time and memory whatever size a terminal reports. */
const WIDEST_COLUMNS = 1000;
const HIGHEST_ROWS = 500;
/** A smaller plot would show nothing useful. */
const LEAST_PLOT_COLUMNS = 10;
const LEAST_PLOT_ROWS = 2;
const LEAST_TITLE_COLUMNS = 8;
const STALE_MARK = '[STALE] ';
/** Room for a tick with its label. */
const COLUMNS_PER_TICK = 10;

export interface PlotOptions extends TerminalStyle {
  /**
   * Name of the spectrum. The name and the labels may contain any characters; only printable text
   * reaches the output.
   */
  readonly title: string;
  readonly xlabel: string;
  /** Whether the data may be old because their source does not answer. */
  readonly stale?: boolean;
  /** Sum of all channels, computed by the caller. */
  readonly sum: number | bigint;
  readonly scale: ScaleName;
  /** Columns and rows of the whole plot; no line is wider and there are no more lines. */
  readonly width: number;
  readonly height: number;
}

export interface PlotSize {
  readonly width: number;
  readonly height: number;
}

export function usableSize(options: PlotSize): PlotSize {
  return { width: usable(options.width, WIDEST_COLUMNS), height: usable(options.height, HIGHEST_ROWS) };
}

function usable(extent: number, most: number): number {
  return extent >= 1 ? Math.min(most, Math.floor(extent)) : 1;
}

export function hasRoom(columns: number, rows: number): boolean {
  return columns >= LEAST_PLOT_COLUMNS && rows >= LEAST_PLOT_ROWS;
}

/**
 * Stale mark, name, sum, and the maximum with its place. In a narrow terminal the name is cut first
 * and the stale mark never.
 */
export function heading(options: PlotOptions, maximum: string): string {
  const { colour, unicode } = options;
  const { width } = usableSize(options);
  const mark = options.stale === true ? cutTo(STALE_MARK, width, unicode) : '';
  const facts = `  sum ${formatCount(options.sum)}  ${maximum}`;
  const free = width - mark.length;
  const name = cutTo(
    printable(options.title, unicode),
    Math.max(LEAST_TITLE_COLUMNS, free - columnsOf(facts)),
    unicode,
  );
  const text = cutTo(name + facts, free, unicode);
  // The mark's last space stays out of its colour.
  const shownMark = styled(mark.trimEnd(), 'alarm', colour) + mark.slice(mark.trimEnd().length);
  if (!text.startsWith(name)) return shownMark + text;
  return shownMark + styled(name, 'bold', colour) + text.slice(name.length);
}

/** The lines of a plot that cannot be drawn: its heading and the reason. */
export function withoutPicture(options: PlotOptions, maximum: string, reason: string): string[] {
  const { width, height } = usableSize(options);
  return [heading(options, maximum), cutTo(reason, width, options.unicode)].slice(0, height);
}

/** A mark of the vertical axis; row 0 is the lowest row, row -1 the line of the horizontal axis. */
export interface RowTick {
  readonly row: number;
  readonly label: string;
}

export interface Gutter {
  /** Text left of each row of the plot, the top row first. */
  readonly lines: readonly string[];
  /** Text left of the horizontal axis line. */
  readonly corner: string;
  readonly columns: number;
}

/** The vertical axis. A row shows the first of its ticks. */
export function gutter(ticks: readonly RowTick[], rows: number, unicode: boolean): Gutter {
  const labels = new Map<number, string>();
  for (const tick of ticks) if (!labels.has(tick.row)) labels.set(tick.row, tick.label);
  const width = Math.max(1, ...ticks.map((tick) => tick.label.length));
  const lines = Array.from({ length: rows }, (_, fromTop) => {
    const label = labels.get(rows - 1 - fromTop);
    if (label === undefined) return `${' '.repeat(width)} ${unicode ? '│' : '|'}`;
    return `${padLeft(label, width)} ${unicode ? '┤' : '+'}`;
  });
  const corner = `${padLeft(labels.get(-1) ?? '', width)} ${unicode ? '└' : '+'}`;
  return { lines, corner, columns: width + 2 };
}

/**
 * The horizontal axis: its line with a mark per tick, and the labels below, none of them
 * overlapping.
 */
export function bottomAxis(
  from: number,
  to: number,
  columns: number,
  unicode: boolean,
): { readonly line: string; readonly labels: string } {
  const ticks = labelledTicks(from, to, Math.max(2, Math.floor(columns / COLUMNS_PER_TICK)));
  const line: string[] = Array.from({ length: columns }, () => (unicode ? '─' : '-'));
  let labels = '';
  for (const { value, label } of ticks) {
    const column = Math.min(columns - 1, Math.floor(((value - from) / (to - from)) * columns));
    line[column] = unicode ? '┬' : '+';
    const start = Math.max(0, Math.min(columns - label.length, column - Math.floor(label.length / 2)));
    const isFree = labels === '' || start > labels.length;
    if (isFree && start + label.length <= columns) labels = labels.padEnd(start) + label;
  }
  return { line: line.join(''), labels };
}

export interface Picture {
  /** Rows of the plot, the top row first, none wider than the plot. */
  readonly rows: readonly string[];
  readonly gutter: Gutter;
  /** Range of the horizontal axis, its width in columns. */
  readonly from: number;
  readonly to: number;
  readonly columns: number;
  /** Lines below the plot: printable, cut to the width, possibly coloured. */
  readonly footer: readonly string[];
}

/** Lines of the frame without the footer: heading, axis line, labels, axis title. */
export const FRAME_ROWS = 4;

/** All lines of a plot. */
export function framed(options: PlotOptions, maximum: string, picture: Picture): string[] {
  const { colour, unicode } = options;
  const { width, height } = usableSize(options);
  const axis = bottomAxis(picture.from, picture.to, picture.columns, unicode);
  const indent = ' '.repeat(picture.gutter.columns);
  const xlabel = cutTo(printable(options.xlabel, unicode), picture.columns, unicode);
  return [
    heading(options, maximum),
    ...picture.rows.map((row, index) => styled(picture.gutter.lines[index] ?? '', 'dim', colour) + row),
    styled(picture.gutter.corner + axis.line, 'dim', colour),
    styled((indent + axis.labels).trimEnd(), 'dim', colour),
    padLeft(xlabel, width).trimEnd(),
    ...picture.footer,
  ].slice(0, height);
}

/** Number of channels per cell for a caption: `8`, or `8-9` when they do not divide evenly. */
export function channelsPerCell(channels: number, cells: number): string {
  const fewest = Math.max(1, Math.floor(channels / cells));
  const largest = Math.max(1, Math.ceil(channels / cells));
  return fewest === largest ? String(fewest) : `${fewest}-${largest}`;
}
