/**
 * Draws a 1-D spectrum (counts per channel) as steps, one per channel. With more channels than
 * pixels each column of pixels gets a line from its lowest to its highest count instead. Used by
 * `Plot`. Draws on the canvas that is passed in.
 */
import { envelope } from '../../plotting/resample.js';
import { countScale, type ScaleName } from '../../plotting/scale.js';
import type { Frame, Values } from '../wire/frame.js';
import type { ChannelRange } from '../wire/messages.js';
import { IDENTITY_PLACEMENT, type Placement } from '../view/axis.js';
import type { PlotArea } from './plot-area.js';

/** Narrower steps are drawn as columns of pixels. */
const STEP_LEAST_PX = 0.7;

export interface HistogramStyle {
  readonly colour: string;
  readonly filled: boolean;
  readonly scale: ScaleName;
  /** Counts at the top of the axis. */
  readonly top: number;
  readonly placement: Placement;
  /** Shown value per count: 1, or one over the seconds of a rate. */
  readonly factor: number;
}

/**
 * The values of a frame within a visible range. `from`: first channel of the values, `group`:
 * channels per value, both in channels of the axis that is drawn.
 */
export function visiblePart(
  { head, values }: Frame,
  range: ChannelRange,
  { scale, offset }: Placement = IDENTITY_PLACEMENT,
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
  const channelPx = area.width / (range[1] - range[0]);
  const left = area.left + (part.from - range[0]) * channelPx;
  const step = part.group * channelPx;
  const bottom = area.top + area.height;
  const yOf = (count: number): number => bottom - toUnit(count * style.factor) * area.height;
  context.save();
  context.beginPath();
  context.rect(area.left, area.top - 1, area.width, area.height + 2);
  context.clip();
  const trace = (): void => {
    context.beginPath();
    if (step >= STEP_LEAST_PX) addSteps(context, part.values, left, step, yOf);
    else addColumns(context, part.values, left, step * part.values.length, yOf);
  };
  if (style.filled) {
    trace();
    context.lineTo(left + step * part.values.length, bottom);
    context.lineTo(left, bottom);
    context.globalAlpha = 0.16;
    context.fillStyle = style.colour;
    context.fill();
    context.globalAlpha = 1;
  }
  trace();
  context.strokeStyle = style.colour;
  context.lineWidth = 1.2;
  context.lineJoin = 'round';
  context.stroke();
  context.restore();
}

function addSteps(
  path: CanvasPath,
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

/** From the lowest to the highest count of each column, so that a single high channel stays. */
function addColumns(
  path: CanvasPath,
  values: Values,
  left: number,
  width: number,
  yOf: (count: number) => number,
): void {
  const columns = Math.max(1, Math.round(width));
  const { low, high } = envelope(values, 0, values.length, columns);
  const columnPx = width / columns;
  path.moveTo(left, yOf(0));
  for (let column = 0; column < columns; column += 1) {
    const x = left + (column + 0.5) * columnPx;
    path.lineTo(x, yOf(low[column] ?? 0));
    path.lineTo(x, yOf(high[column] ?? 0));
  }
  path.lineTo(left + width, yOf(0));
}
