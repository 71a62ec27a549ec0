/**
 * What a plot tells in words beside its picture: sums below it, and the counts under the cursor.
 * Pure.
 */
import { formatCount, formatShortCount } from '../../plotting/numbers.js';
import { formatAxisValue } from '../../plotting/ticks.js';
import type { Frame } from '../wire/frame.js';
import { channelWidth, toUnits, type Axis, type Placement } from './axis.js';

export function footText(head: Frame['head']): string {
  if (head.rateS !== undefined) {
    const span = head.spanS ?? 0;
    const perSecond = span > 0 ? ` · ${formatShortCount(head.sum / span)} per second` : '';
    return `Came in during the last ${span.toFixed(1)} s: ${formatCount(head.sum)}${perSecond}`;
  }
  const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
  const [under, over] = [sumOf(head.underflows), sumOf(head.overflows)];
  return [
    `Sum ${formatCount(head.sum)}`,
    `highest ${formatCount(head.max)}`,
    ...(under === 0 ? [] : [`below ${formatShortCount(under)}`]),
    ...(over === 0 ? [] : [`above ${formatShortCount(over)}`]),
  ].join(' · ');
}

/** A spectrum of the plot, and where it lies on the axis of the first. */
interface Placed {
  readonly name: string;
  readonly frame: Frame;
  readonly placement: Placement;
}

interface Cursor {
  readonly x: number;
  readonly y: number;
}

/** Where the cursor is, and how many counts each spectrum has there. */
export function readText(
  cursor: Cursor,
  spectra: readonly Placed[],
  axes: { readonly x: Axis; readonly y: Axis },
  { flat, channels }: { readonly flat: boolean; readonly channels: boolean },
): string {
  const place = (axis: Axis, at: number): string => {
    const channel = Math.floor(at);
    const shown = channel - axis.inside[0];
    if (channels) return String(shown);
    return `${formatAxisValue(toUnits(axis, channel + 0.5), channelWidth(axis) / 2)} (ch ${shown})`;
  };
  const counts = spectra.map((spectrum) => {
    const text = countsAt(cursor, spectrum);
    return text === '' || spectra.length === 1 ? text : `${spectrum.name}: ${text}`;
  });
  const where = flat ? place(axes.x, cursor.x) : `${place(axes.x, cursor.x)} , ${place(axes.y, cursor.y)}`;
  return `${where} → ${counts.filter((text) => text !== '').join(' | ')}`;
}

/** Empty beside the frame. */
function countsAt(cursor: Cursor, { frame, placement }: Placed): string {
  const { head, values } = frame;
  const channel = Math.floor((Math.floor(cursor.x) + 0.5 - placement.offset) / placement.scale);
  const column = Math.floor((channel - head.x[0]) / head.xgroup);
  const row = head.dimensions === 1 ? 0 : Math.floor((Math.floor(cursor.y) - head.y[0]) / head.ygroup);
  if (column < 0 || column >= head.columns || row < 0 || row >= head.rows) return '';
  const group = head.xgroup * head.ygroup;
  const several = group > 1 ? ` (highest of ${group} channels)` : '';
  return `${formatCount(values[row * head.columns + column] ?? 0)}${several}`;
}
