/**
 * Renders tables: aligned and cut to the terminal's width, or plain for programs that read a pipe.
 *
 * `output.ts` calls it for all commands. Pure: no I/O.
 */
import { styled, type TerminalStyle, type TextStyle } from './colour.js';
import { formatCount } from '../../plotting/numbers.js';
import { columnsOf, cutTo, padLeft, padRight, printable } from './printable.js';

/** Spaces between columns. Cells contain no two spaces in a row, so programs can split at them. */
const GAP_COLUMNS = 2;
/** Smallest width of a column of text. */
const LEAST_CELL_COLUMNS = 6;
/** Text of an empty cell: a program that splits the line finds every cell in its place. */
const EMPTY_CELL = '-';

export interface TableColumn {
  readonly header: string;
  /** Default: numbers right, text left. */
  readonly align?: 'left' | 'right';
}

/**
 * Content of a cell. Only the printable part of a text is shown; a colour is given by a style name,
 * because escape sequences in a text are removed.
 */
export type TableCell =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | { readonly text: string; readonly style?: TextStyle };

export interface TableOptions extends TerminalStyle {
  /**
   * Columns of the terminal; undefined when the output is no terminal: then no cell is cut and
   * numbers are not grouped.
   */
  readonly width?: number | undefined;
  /** The line that replaces a table without rows. */
  readonly empty: string;
}

interface ShownCell {
  readonly text: string;
  readonly style: TextStyle | undefined;
}

interface ShownColumn {
  readonly columns: number;
  readonly right: boolean;
}

/**
 * The table as lines, the header first. Missing cells of a row are empty, surplus cells omitted.
 */
export function renderTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly TableCell[])[],
  options: TableOptions,
): string[] {
  if (rows.length === 0) {
    const sentence = printable(options.empty, options.unicode);
    return [options.width === undefined ? sentence : cutTo(sentence, options.width, options.unicode)];
  }
  const header = columns.map(({ header }) => shown({ text: header, style: 'bold' }, options));
  const body = rows.map((row) => columns.map((_, index) => shown(row[index], options)));
  const right = columns.map(({ align }, index) =>
    align === undefined ? rows.every((row) => isNumberOrEmpty(row[index])) : align === 'right',
  );
  const natural = columns.map((_, index) =>
    [header, ...body].reduce((most, row) => Math.max(most, columnsOf(row[index]?.text ?? '')), 0),
  );
  const widths = options.width === undefined ? natural : squeezed(natural, right, options.width);
  const layout = widths.map((width, index) => ({ columns: width, right: right[index] ?? false }));
  return [header, ...body].map((row) => line(row, layout, options));
}

function isNumberOrEmpty(cell: TableCell): boolean {
  return cell === null || cell === undefined || typeof cell === 'number' || typeof cell === 'bigint';
}

function shown(cell: TableCell, options: TableOptions): ShownCell {
  const style = typeof cell === 'object' && cell !== null ? cell.style : undefined;
  const text = printable(textOf(cell, options), options.unicode).replace(/ {2,}/g, ' ').trim();
  return { text: text === '' ? EMPTY_CELL : text, style };
}

function textOf(cell: TableCell, options: TableOptions): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell === 'object') return cell.text;
  if (typeof cell === 'number' || typeof cell === 'bigint') {
    return options.width === undefined ? String(cell) : formatCount(cell);
  }
  return String(cell);
}

/**
 * Column widths that fit into `width`: the widest text columns are narrowed the most. Columns of
 * numbers keep their width, because a cut number is a wrong one; a line that is still too wide ends
 * at the terminal's edge.
 */
function squeezed(natural: readonly number[], right: readonly boolean[], width: number): number[] {
  const gaps = GAP_COLUMNS * (natural.length - 1);
  const fits = (cap: number): number[] =>
    natural.map((columns, index) => (right[index] === true ? columns : Math.min(columns, cap)));
  let cap = Math.max(LEAST_CELL_COLUMNS, ...natural.filter((_, index) => right[index] !== true));
  cap = Math.min(cap, Math.max(LEAST_CELL_COLUMNS, width));
  while (cap > LEAST_CELL_COLUMNS && total(fits(cap)) + gaps > width) cap -= 1;
  return fits(cap);
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0);
}

function line(row: readonly ShownCell[], layout: readonly ShownColumn[], options: TableOptions): string {
  let free = options.width ?? Number.POSITIVE_INFINITY;
  let text = '';
  for (const [index, { columns, right }] of layout.entries()) {
    const cell = row[index];
    const gap = index === 0 ? 0 : GAP_COLUMNS;
    if (cell === undefined || free <= gap) break;
    free -= gap;
    const room = Math.min(columns, free);
    const content = cutTo(cell.text, room, options.unicode);
    const isLast = index === layout.length - 1 || free <= columns + GAP_COLUMNS;
    const padded = right ? padLeft(content, room) : isLast ? content : padRight(content, room);
    // The style is applied after cutting, so that no escape sequence is cut.
    text += ' '.repeat(gap) + padded.replace(content, () => styled(content, cell.style, options.colour));
    free -= room;
  }
  return text;
}
