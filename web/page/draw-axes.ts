/**
 * Draws the axes around the counts of a plot: channels or units below and beside, counts beside,
 * calibrated energies at the top. `plot-picture.ts` and `plot-counts.ts` call it. Draws on the
 * canvas that is passed in.
 */
import { energyAt } from '../../analysis/calibration/energy.js';
import type { CountScale, CountTick } from '../../plotting/scale.js';
import {
  labelledTicks,
  logTicks,
  minorLogTicks,
  minorTicks,
  niceTicks,
  type LabelledTick,
} from '../../plotting/ticks.js';
import { toChannel, toUnits, type Axis } from '../view/axis.js';
import { countLabel } from '../view/count-label.js';
import { leftChannel, type LogOrigin } from '../view/x-position.js';
import type { ChannelRange } from '../wire/ranges.js';
import type { AxisCalibration } from '../wire/spectrum-info.js';
import { channelToX, channelToY, FONT, type PlotArea } from './plot-area.js';
import type { Palette } from './theme.js';

export interface AxisView {
  readonly axis: Axis;
  readonly range: ChannelRange;
  readonly inChannels: boolean;
}

const TICK_PX = 4;
const MINOR_TICK_PX = 2.5;
/** Between two labels of an axis. */
const LABEL_GAP_PX = 6;
const LABEL_HEIGHT_PX = 12;
/** From the labels of a side axis to the edge: ticks, and the name of the axis. */
const SIDE_PX = 28;
/** Minor ticks are drawn where a power of ten is at least this high. */
const DECADE_LEAST_PX = 22;
/** Exact to a millionth of the visible range. */
const CALIBRATION_HALVINGS = 20;

/** From a channel to the values that an axis is labelled with, and back. */
function valuesOf({ axis, inChannels }: AxisView): {
  readonly toValue: (channel: number) => number;
  readonly toChannel: (value: number) => number;
} {
  return inChannels
    ? { toValue: (channel) => channel - axis.inRange[0], toChannel: (value) => value + axis.inRange[0] }
    : { toValue: (channel) => toUnits(axis, channel), toChannel: (value) => toChannel(axis, value) };
}

/** The ticks of an axis, each with its stored channel. */
function axisTicks(view: AxisView, most: number, origin?: LogOrigin): (LabelledTick & { channel: number })[] {
  const { toValue, toChannel } = valuesOf(view);
  const [from, to] = [toValue(leftChannel(view.range, origin)), toValue(view.range[1])];
  const ticks =
    origin === undefined
      ? labelledTicks(from, to, most)
      : logTicks(from, to, most).map((value) => ({ value, label: String(Number(value.toPrecision(6))) }));
  return ticks.map(({ value, label }) => ({ value, label, channel: toChannel(value) }));
}

/** The stored channels of the ticks between them. */
function minorChannels(view: AxisView, most: number, origin?: LogOrigin): number[] {
  const { toValue, toChannel } = valuesOf(view);
  const [from, to] = [toValue(leftChannel(view.range, origin)), toValue(view.range[1])];
  const values =
    origin === undefined ? minorTicks(from, to, niceTicks(from, to, most)) : minorLogTicks(from, to);
  return values.map(toChannel);
}

export function axisLabel({ axis, inChannels }: AxisView): string {
  if (!inChannels) return axis.label;
  return axis.label === '' ? 'channel' : `${axis.label.replace(/\s*[[(].*$/, '')} (channel)`;
}

/** Width that the labels of the y axis of a map take, with its name. */
export function sideAxisWidth(context: CanvasRenderingContext2D, height: number, view: AxisView): number {
  context.font = FONT;
  const widths = axisTicks(view, sideTicks(height)).map(({ label }) => context.measureText(label).width);
  return Math.ceil(Math.max(0, ...widths)) + SIDE_PX;
}

function sideTicks(height: number): number {
  return Math.max(2, height / 45);
}

/** `width`: of the canvas, which no label leaves. */
export function drawXAxis(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  width: number,
  view: AxisView,
  palette: Palette,
): void {
  const bottom = area.top + area.height;
  context.font = FONT;
  context.fillStyle = palette.faint;
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.textAlign = 'center';
  context.textBaseline = 'top';
  context.beginPath();
  let free = 0;
  const most = Math.max(2, area.width / 70);
  for (const channel of minorChannels(view, most, area.logOrigin)) {
    const x = Math.round(channelToX(area, view.range, channel)) + 0.5;
    context.moveTo(x, bottom);
    context.lineTo(x, bottom + MINOR_TICK_PX);
  }
  for (const { channel, label } of axisTicks(view, most, area.logOrigin)) {
    const x = Math.round(channelToX(area, view.range, channel)) + 0.5;
    context.moveTo(x, bottom);
    context.lineTo(x, bottom + TICK_PX);
    const half = context.measureText(label).width / 2;
    const middle = Math.min(x, width - half - 1);
    if (middle - half < free) continue;
    free = middle + half + LABEL_GAP_PX;
    context.fillText(label, middle, bottom + TICK_PX + 2);
  }
  context.moveTo(area.left, bottom + 0.5);
  context.lineTo(area.left + area.width, bottom + 0.5);
  context.stroke();
  context.textAlign = 'right';
  context.fillText(cut(context, axisLabel(view), area.width), area.left + area.width, bottom + 19);
}

/** Draws the calibrated energies inside the top of the area; the axis of the source is below. */
export function drawCalibratedAxis(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  { axis, range }: AxisView,
  { coefficients, unit }: AxisCalibration,
  palette: Palette,
): void {
  const energyOf = (channel: number): number => energyAt(coefficients, toUnits(axis, channel));
  const ends = range.map(energyOf) as [number, number];
  const rising = ends[1] > ends[0];
  const ticks = labelledTicks(Math.min(...ends), Math.max(...ends), Math.max(2, area.width / 90));
  context.font = FONT;
  context.fillStyle = palette.accent;
  context.strokeStyle = palette.accent;
  context.textAlign = 'center';
  context.textBaseline = 'top';
  context.beginPath();
  for (const { value, label } of ticks) {
    const x = Math.round(channelToX(area, range, channelOfEnergy(value, range, energyOf, rising))) + 0.5;
    context.moveTo(x, area.top);
    context.lineTo(x, area.top + TICK_PX);
    context.fillText(label, x, area.top + TICK_PX + 1);
  }
  context.stroke();
  context.textAlign = 'right';
  context.fillText(`calibrated ${unit}`, area.left + area.width, area.top + TICK_PX + 13, area.width);
}

/** By halving: a calibration rises or falls over the whole range. */
function channelOfEnergy(
  energy: number,
  range: ChannelRange,
  energyOf: (channel: number) => number,
  rising: boolean,
): number {
  let [low, high]: [number, number] = [range[0], range[1]];
  for (let step = 0; step < CALIBRATION_HALVINGS; step += 1) {
    const middle = (low + high) / 2;
    if (energyOf(middle) < energy === rising) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Draws the y axis of a 2-D spectrum. */
export function drawYAxis(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  view: AxisView,
  palette: Palette,
): void {
  const most = sideTicks(area.height);
  const yOf = (channel: number): number => channelToY(area, view.range, channel);
  const ticks = axisTicks(view, most).map(({ channel, label }) => ({ y: yOf(channel), label }));
  const minor = minorChannels(view, most).map(yOf);
  drawSideAxis(context, area, palette, { ticks, minor, label: axisLabel(view), gridLines: false });
}

/** Draws the axis of counts of a 1-D spectrum, with grid lines. */
export function drawCountAxis(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  scale: CountScale,
  label: string,
  palette: Palette,
): void {
  const yOf = (at: number): number => area.top + area.height * (1 - at);
  let free = Infinity;
  const counted = scale.ticks(Math.max(2, area.height / 40));
  const ticks = counted.map((tick) => {
    const y = yOf(tick.at);
    const label = y > free ? '' : countLabel(tick, scale);
    if (label !== '') free = y - LABEL_HEIGHT_PX;
    return { y, label };
  });
  const minor = minorCounts(scale, counted, area.height).map(yOf);
  drawSideAxis(context, area, palette, { ticks, minor, label, gridLines: true });
}

/** Positions of the ticks between those with labels; none where they would be too close. */
function minorCounts(scale: CountScale, ticks: readonly CountTick[], height: number): readonly number[] {
  const { name, bottom, top } = scale;
  if (name === 'log') {
    const decade = Math.log(10) / Math.log(scale.toCount(1) / scale.toCount(0));
    return height * decade < DECADE_LEAST_PX ? [] : scale.minorTicks;
  }
  const values = ticks.map(({ count }) => count);
  const step = (values[1] ?? 0) - (values[0] ?? 0);
  // Between 1 and 2 counts there are none.
  return step > 0 && step !== 1 ? minorTicks(bottom, top, { values, step }).map(scale.toUnit) : [];
}

interface SideAxis {
  readonly ticks: readonly { readonly y: number; readonly label: string }[];
  readonly minor: readonly number[];
  readonly label: string;
  readonly gridLines: boolean;
}

function drawSideAxis(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  palette: Palette,
  { ticks, minor, label, gridLines }: SideAxis,
): void {
  context.font = FONT;
  context.fillStyle = palette.faint;
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  context.beginPath();
  for (const tick of ticks) {
    const y = Math.round(tick.y) + 0.5;
    context.moveTo(area.left - TICK_PX, y);
    context.lineTo(area.left + (gridLines ? area.width : 0), y);
    context.fillText(tick.label, area.left - TICK_PX - 3, y);
  }
  context.moveTo(area.left + 0.5, area.top);
  context.lineTo(area.left + 0.5, area.top + area.height);
  context.stroke();
  // Darker than grid lines, since they are short.
  context.strokeStyle = palette.faint;
  context.beginPath();
  for (const at of minor) {
    const y = Math.round(at) + 0.5;
    context.moveTo(area.left - MINOR_TICK_PX, y);
    context.lineTo(area.left + 0.5, y);
  }
  context.stroke();
  context.save();
  context.translate(11, area.top);
  context.rotate(-Math.PI / 2);
  context.textAlign = 'right';
  context.fillText(cut(context, label, area.height), 0, 0);
  context.restore();
}

/** A text that is wider than its place, with an ellipsis. */
function cut(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let kept = text;
  while (kept !== '' && context.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}
