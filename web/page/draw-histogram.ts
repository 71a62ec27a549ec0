/**
 * A 1-D spectrum as steps: one step for each channel where there is room, what each column of
 * pixels reaches where there is not.
 */
import { envelope } from '../../plotting/resample.js';
import { countScale, type ScaleName } from '../../plotting/scale.js';
import type { Frame, Values } from '../wire/frame.js';
import type { ChannelRange } from '../wire/messages.js';
import { SAME_PLACE, type Placement } from '../view/axis.js';
import type { PlotArea } from './plot-area.js';

export interface HistogramStyle {
  readonly colour: string;
  readonly filled: boolean;
  readonly scale: ScaleName;
  readonly top: number;
  readonly placement: Placement;
}

/**
 * The part of a frame that a range of channels shows; `from` and `group` in channels of the axis
 * that is drawn.
 */
export function visiblePart(
  { head, values }: Frame,
  range: ChannelRange,
  { scale, offset }: Placement = SAME_PLACE,
): { values: Values; from: number; group: number } {
  const group = head.xgroup * scale;
  const start = offset + head.x[0] * scale;
  const first = Math.min(values.length, Math.max(0, Math.floor((range[0] - start) / group)));
  const last = Math.min(values.length, Math.ceil((range[1] - start) / group));
  return { values: values.subarray(first, Math.max(first, last)), from: start + first * group, group };
}

export function drawHistogram(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  range: ChannelRange,
  frame: Frame,
  style: HistogramStyle,
): void {
  const part = visiblePart(frame, range, style.placement);
  if (part.values.length === 0) return;
  const { toUnit } = countScale(style.scale, style.top);
  const pixels = area.width / (range[1] - range[0]);
  const left = area.left + (part.from - range[0]) * pixels;
  const step = part.group * pixels;
  const bottom = area.top + area.height;
  const yOf = (count: number): number => bottom - toUnit(count) * area.height;
  context.save();
  context.beginPath();
  context.rect(area.left, area.top - 1, area.width, area.height + 2);
  context.clip();
  const outline = new Path2D();
  if (step >= 0.7) stepsInto(outline, part.values, left, step, yOf);
  else columnsInto(outline, part.values, left, step * part.values.length, yOf);
  if (style.filled) {
    const filling = new Path2D(outline);
    filling.lineTo(left + step * part.values.length, bottom);
    filling.lineTo(left, bottom);
    context.globalAlpha = 0.16;
    context.fillStyle = style.colour;
    // oxlint-disable-next-line unicorn/no-array-fill-with-reference-type -- a canvas, no array
    context.fill(filling);
    context.globalAlpha = 1;
  }
  context.strokeStyle = style.colour;
  context.lineWidth = 1.2;
  context.lineJoin = 'round';
  context.stroke(outline);
  context.restore();
}

function stepsInto(
  path: Path2D,
  values: Values,
  left: number,
  step: number,
  yOf: (count: number) => number,
): void {
  path.moveTo(left, yOf(0));
  for (let index = 0; index < values.length; index += 1) {
    const y = yOf(values[index] ?? 0);
    path.lineTo(left + index * step, y);
    path.lineTo(left + (index + 1) * step, y);
  }
  path.lineTo(left + values.length * step, yOf(0));
}

/**
 * Down to the lowest and up to the highest of each column, so that a lone high channel stays as
 * high as it is.
 */
function columnsInto(
  path: Path2D,
  values: Values,
  left: number,
  width: number,
  yOf: (count: number) => number,
): void {
  const columns = Math.max(1, Math.round(width));
  const { low, high } = envelope(values, 0, values.length, columns);
  const each = width / columns;
  path.moveTo(left, yOf(0));
  for (let column = 0; column < columns; column += 1) {
    const x = left + (column + 0.5) * each;
    path.lineTo(x, yOf(low[column] ?? 0));
    path.lineTo(x, yOf(high[column] ?? 0));
  }
  path.lineTo(left + width, yOf(0));
}
