/**
 * The area of a plot on its canvas: conversion between channels and pixels, and drawing of the axes
 * around the counts. Used by `Plot`, its input and its drawing functions. Draws on the canvas that
 * is passed in.
 */
import { energyAt } from '../../analysis/calibration/energy.js';
import { countScale, type ScaleName } from '../../plotting/scale.js';
import { labelledTicks, type LabelledTick } from '../../plotting/ticks.js';
import { toChannel, toUnits, type Axis } from '../view/axis.js';
import type { AxisCalibration, ChannelRange } from '../wire/messages.js';
import type { Palette } from './theme.js';

export interface PlotArea {
  /** The inside of the axes, in CSS pixels. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface AxisView {
  readonly axis: Axis;
  readonly range: ChannelRange;
  readonly inChannels: boolean;
}

export const FONT = '11px system-ui, sans-serif';
const TICK_PX = 4;
/** Exact to a millionth of the visible range. */
const CALIBRATION_HALVINGS = 20;

export function areaOf(width: number, height: number, margins: { right: number; left: number }): PlotArea {
  const top = 8;
  const bottom = 34;
  return {
    left: margins.left,
    top,
    width: Math.max(10, width - margins.left - margins.right),
    height: Math.max(10, height - top - bottom),
  };
}

export function channelToX(area: PlotArea, range: ChannelRange, channel: number): number {
  return area.left + ((channel - range[0]) / (range[1] - range[0])) * area.width;
}

export function xToChannel(area: PlotArea, range: ChannelRange, x: number): number {
  return range[0] + ((x - area.left) / area.width) * (range[1] - range[0]);
}

export function channelToY(area: PlotArea, range: ChannelRange, channel: number): number {
  return area.top + area.height - ((channel - range[0]) / (range[1] - range[0])) * area.height;
}

export function yToChannel(area: PlotArea, range: ChannelRange, y: number): number {
  return range[0] + ((area.top + area.height - y) / area.height) * (range[1] - range[0]);
}

/**
 * Clears the canvas, in the resolution of the screen, and returns a context in CSS pixels.
 * Undefined while the canvas has no size.
 */
export function prepare(
  canvas: HTMLCanvasElement,
  paper: string,
): { context: CanvasRenderingContext2D; width: number; height: number; ratio: number } | undefined {
  const ratio = Math.min(3, devicePixelRatio || 1);
  const { clientWidth: width, clientHeight: height } = canvas;
  if (width < 20 || height < 20) return undefined;
  const [deviceWidth, deviceHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== deviceWidth) canvas.width = deviceWidth;
  if (canvas.height !== deviceHeight) canvas.height = deviceHeight;
  const context = canvas.getContext('2d', { alpha: false });
  if (context === null) return undefined;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = paper;
  context.fillRect(0, 0, width, height);
  return { context, width, height, ratio };
}

/** The ticks of an axis, each with its stored channel. */
function axisTicks(
  { axis, range, inChannels }: AxisView,
  most: number,
): (LabelledTick & { channel: number })[] {
  const ticks = inChannels
    ? labelledTicks(range[0] - axis.inRange[0], range[1] - axis.inRange[0], most)
    : labelledTicks(toUnits(axis, range[0]), toUnits(axis, range[1]), most);
  return ticks.map(({ value, label }) => ({
    value,
    label,
    channel: inChannels ? value + axis.inRange[0] : toChannel(axis, value),
  }));
}

export function axisLabel({ axis, inChannels }: AxisView): string {
  if (!inChannels) return axis.label;
  return axis.label === '' ? 'channel' : `${axis.label.replace(/\s*[[(].*$/, '')} (channel)`;
}

export function drawXAxis(
  context: CanvasRenderingContext2D,
  area: PlotArea,
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
  for (const { channel, label } of axisTicks(view, Math.max(2, area.width / 70))) {
    const x = Math.round(channelToX(area, view.range, channel)) + 0.5;
    context.moveTo(x, bottom);
    context.lineTo(x, bottom + TICK_PX);
    context.fillText(label, x, bottom + TICK_PX + 2);
  }
  context.moveTo(area.left, bottom + 0.5);
  context.lineTo(area.left + area.width, bottom + 0.5);
  context.stroke();
  context.textAlign = 'right';
  context.fillText(axisLabel(view), area.left + area.width, bottom + 19, area.width);
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
  drawSideTicks(
    context,
    area,
    palette,
    axisTicks(view, Math.max(2, area.height / 45)).map(({ channel, label }) => ({
      y: channelToY(area, view.range, channel),
      label,
    })),
    axisLabel(view),
    false,
  );
}

/** Draws the axis of counts of a 1-D spectrum, with grid lines. */
export function drawCountAxis(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  scale: ScaleName,
  top: number,
  label: string,
  palette: Palette,
): void {
  drawSideTicks(
    context,
    area,
    palette,
    countScale(scale, top)
      .ticks(Math.max(2, area.height / 40))
      .map(({ at, label }) => ({ y: area.top + area.height * (1 - at), label })),
    label,
    true,
  );
}

function drawSideTicks(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  palette: Palette,
  ticks: readonly { y: number; label: string }[],
  label: string,
  gridLines: boolean,
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
  context.save();
  context.translate(11, area.top);
  context.rotate(-Math.PI / 2);
  context.textAlign = 'right';
  context.fillText(label, 0, 0, area.height);
  context.restore();
}
