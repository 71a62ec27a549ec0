/**
 * The texts beside a plot: sums in its foot, and the counts under the cursor. `Plot` of the page
 * shows them. A frame is the message with the counts of one view of a spectrum. Pure.
 */
import { energyAt } from '../../analysis/calibration/energy.js';
import { formatCount, formatShortCount } from '../../plotting/numbers.js';
import { unitOf } from '../../plotting/measured.js';
import { formatAxisValue } from '../../plotting/ticks.js';
import type { Frame } from '../wire/frame.js';
import type { AxisCalibration } from '../wire/spectrum-info.js';
import { channelWidth, toUnits, type Axis, type Placement } from './axis.js';
import { momentText } from './moment.js';

/**
 * Sum of all channels and highest visible count, or for a rate the counts of its span. `highest`:
 * in the unit of the axis; undefined before the first drawing.
 */
export function sumText(head: Frame['head'], highest: number | undefined): string {
  if (head.rateS !== undefined) {
    const span = head.spanS ?? 0;
    const perSecond = span > 0 ? ` · ${formatShortCount(head.sum / span)} per second` : '';
    const top = highest === undefined ? '' : ` · highest in view ${formatShortCount(highest)}/s`;
    return `Last ${span.toFixed(1)} s: ${formatCount(head.sum)} counts${perSecond}${top}`;
  }
  if (head.since !== undefined) {
    const top = highest === undefined ? '' : ` · highest in view ${formatCount(highest)}`;
    return `Since ${momentText(head.since.atMs)}: ${formatCount(head.sum)} counts${top}`;
  }
  const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
  const [under, over] = [sumOf(head.underflows), sumOf(head.overflows)];
  return [
    `Sum ${formatCount(head.sum)}`,
    ...(highest === undefined ? [] : [`highest in view ${formatCount(highest)}`]),
    ...(under === 0 ? [] : [`below ${formatCount(under)}`]),
    ...(over === 0 ? [] : [`above ${formatCount(over)}`]),
  ].join(' · ');
}

/** A spectrum of the plot, and its place on the axis of the first spectrum. */
interface PlacedSpectrum {
  readonly name: string;
  readonly frame: Frame;
  readonly placement: Placement;
}

/** Stored channels, fractional. */
interface Cursor {
  readonly x: number;
  readonly y: number;
}

interface CursorStyle {
  readonly oneDimensional: boolean;
  readonly channels: boolean;
  readonly calibration: AxisCalibration | undefined;
  /** Difference or ratio of two spectra at the cursor. */
  readonly combined?: number | undefined;
}

/** The place of the cursor, and the counts of each spectrum there. */
export function cursorText(
  cursor: Cursor,
  spectra: readonly PlacedSpectrum[],
  axes: { readonly x: Axis; readonly y: Axis },
  { oneDimensional, channels, calibration, combined }: CursorStyle,
): string {
  const placeText = (axis: Axis, position: number): string => {
    const stored = Math.floor(position);
    const channel = stored - axis.inRange[0];
    if (channels) return `ch ${channel}`;
    const value = formatAxisValue(toUnits(axis, stored + 0.5), channelWidth(axis) / 2);
    return `${value}${unitText(axis)} (ch ${channel})`;
  };
  const counts = spectra.map((spectrum) => {
    const text = countsAt(cursor, spectrum);
    return text === '' || spectra.length === 1 ? text : `${spectrum.name}: ${text}`;
  });
  const x = placeText(axes.x, cursor.x);
  const energy =
    calibration === undefined || !oneDimensional
      ? ''
      : ` (${energyAt(calibration.coefficients, toUnits(axes.x, Math.floor(cursor.x) + 0.5)).toFixed(1)} ${calibration.unit})`;
  const where = oneDimensional ? `${x}${energy}` : `${x}, ${placeText(axes.y, cursor.y)}`;
  const result = combined === undefined ? '' : ` = ${Number(combined.toPrecision(6))}`;
  return `${where} → ${counts.filter((text) => text !== '').join(' | ')}${result}`;
}

/** Empty where the frame has no value. */
function countsAt(cursor: Cursor, { frame, placement }: PlacedSpectrum): string {
  const { head, values } = frame;
  const channel = Math.floor((Math.floor(cursor.x) + 0.5 - placement.offset) / placement.scale);
  const column = Math.floor((channel - head.x[0]) / head.xgroup);
  const row = head.dimensions === 1 ? 0 : Math.floor((Math.floor(cursor.y) - head.y[0]) / head.ygroup);
  if (column < 0 || column >= head.columns || row < 0 || row >= head.rows) return '';
  const group = head.xgroup * head.ygroup;
  const grouped = group > 1 ? ` (highest of ${group} channels)` : '';
  const count = values[row * head.columns + column] ?? 0;
  const { rateS, spanS = 0 } = head;
  if (rateS !== undefined && spanS > 0) return `${formatShortCount(count / spanS)} counts/s${grouped}`;
  return `${formatCount(count)} ${count === 1 ? 'count' : 'counts'}${grouped}`;
}

function unitText({ label }: Axis): string {
  const unit = unitOf(label);
  return unit === '' ? '' : ` ${unit}`;
}
