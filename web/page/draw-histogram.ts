/**
 * Draws the curve of a 1-D spectrum (counts per channel) as steps, one per channel. With more
 * channels than pixels each column of pixels gets a line from its lowest to its highest count
 * instead. Used by `plot-counts.ts`. Draws on the canvas that is passed in.
 */
import { envelope } from '../../plotting/resample.js';
import type { CountScale } from '../../plotting/scale.js';
import { valueAt, type Curve } from '../view/curve.js';
import type { ChannelRange } from '../wire/ranges.js';
import { channelToX, xToChannel, type PlotArea } from './plot-area.js';

/** Narrower steps are drawn as columns of pixels. */
const STEP_LEAST_PX = 0.7;

export interface HistogramStyle {
  readonly colour: string;
  readonly filled: boolean;
  readonly scale: CountScale;
  /** Lower values are drawn as 0. */
  readonly threshold: number | undefined;
}

export function drawHistogram(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  range: ChannelRange,
  curve: Curve,
  { colour, filled, scale, threshold = Number.NEGATIVE_INFINITY }: HistogramStyle,
): void {
  const { values, from, group } = curve;
  if (values.length === 0) return;
  const bottom = area.top + area.height;
  const yOf = (count: number): number => bottom - scale.toUnit(count < threshold ? 0 : count) * area.height;
  const xOf = (channel: number): number => channelToX(area, range, channel);
  const ends = { left: xOf(from), right: xOf(from + values.length * group), zero: yOf(0) };
  context.save();
  context.beginPath();
  context.rect(area.left, area.top - 1, area.width, area.height + 2);
  context.clip();
  const trace = (): void => {
    context.beginPath();
    if (area.logOrigin !== undefined) addUneven(context, area, range, curve, yOf);
    else if ((ends.right - ends.left) / values.length >= STEP_LEAST_PX) addSteps(context, curve, xOf, yOf);
    else addColumns(context, curve, ends, yOf);
  };
  if (filled) {
    trace();
    context.lineTo(ends.right, ends.zero);
    context.lineTo(ends.left, ends.zero);
    context.globalAlpha = 0.16;
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 1;
  }
  trace();
  context.strokeStyle = colour;
  context.lineWidth = 1.2;
  context.lineJoin = 'round';
  context.stroke();
  context.restore();
}

/** Draws lines from place to place, and none over a gap. */
class Line {
  readonly #path: CanvasPath;
  #isDown = false;

  constructor(path: CanvasPath) {
    this.#path = path;
  }

  to(x: number, y: number): void {
    if (Number.isNaN(y)) this.#isDown = false;
    else if (this.#isDown) this.#path.lineTo(x, y);
    else {
      this.#isDown = true;
      this.#path.moveTo(x, y);
    }
  }
}

function addSteps(
  path: CanvasPath,
  { values, from, group, factor, shift }: Curve,
  xOf: (channel: number) => number,
  yOf: (count: number) => number,
): void {
  const line = new Line(path);
  line.to(xOf(from), yOf(shift));
  for (let index = 0; index < values.length; index += 1) {
    const value = (values[index] ?? 0) * factor + shift;
    const y = Number.isNaN(value) ? Number.NaN : yOf(value);
    line.to(xOf(from + index * group), y);
    line.to(xOf(from + (index + 1) * group), y);
  }
  line.to(xOf(from + values.length * group), yOf(shift));
}

/** From the lowest to the highest count of each column, so that a single high channel stays. */
function addColumns(
  path: CanvasPath,
  { values, factor, shift }: Curve,
  { left, right }: { readonly left: number; readonly right: number },
  yOf: (count: number) => number,
): void {
  const columns = Math.max(1, Math.round(right - left));
  const { low, high } = envelope(values, 0, values.length, columns);
  const columnPx = (right - left) / columns;
  const line = new Line(path);
  line.to(left, yOf(shift));
  for (let column = 0; column < columns; column += 1) {
    const x = left + (column + 0.5) * columnPx;
    const [lowest, highest] = [low[column] ?? 0, high[column] ?? 0];
    // Without any value the lowest is above the highest.
    line.to(x, lowest > highest ? Number.NaN : yOf(lowest * factor + shift));
    line.to(x, lowest > highest ? Number.NaN : yOf(highest * factor + shift));
  }
  line.to(right, yOf(shift));
}

/**
 * Adds a histogram on a logarithmic axis: steps where a channel is wider than a pixel, columns
 * where not.
 */
function addUneven(
  path: CanvasPath,
  area: PlotArea,
  range: ChannelRange,
  curve: Curve,
  yOf: (count: number) => number,
): void {
  const { values, from, group, factor, shift } = curve;
  const end = area.left + area.width;
  const line = new Line(path);
  line.to(area.left, yOf(shift));
  for (let x = area.left; x < end; x += 1) {
    const [first, last] = [x, x + 1].map((place) =>
      Math.floor((xToChannel(area, range, place) - from) / group),
    ) as [number, number];
    if (last <= first + 1) {
      const value = valueAt(curve, xToChannel(area, range, x + 0.5));
      line.to(x, value === undefined ? Number.NaN : yOf(value));
      line.to(x + 1, value === undefined ? Number.NaN : yOf(value));
      continue;
    }
    const column = envelope(values, Math.max(0, first), Math.min(values.length, last), 1);
    const [low = 0, high = 0] = [column.low[0], column.high[0]];
    const isGap = low > high || last <= 0 || first >= values.length;
    line.to(x + 0.5, isGap ? Number.NaN : yOf(low * factor + shift));
    line.to(x + 0.5, isGap ? Number.NaN : yOf(high * factor + shift));
  }
  line.to(end, yOf(shift));
}
