/**
 * The area of a plot on its canvas: its size inside of the axes, and conversion between channels
 * and pixels. Used by `Plot`, its input and its drawing functions. Clears the canvas that is passed
 * in.
 */
import { channelAtShare, shareOfChannel, type LogOrigin } from '../view/x-position.js';
import type { ChannelRange } from '../wire/ranges.js';
import type { CanvasSize } from './plot-surface.js';

export interface PlotArea {
  /** The inside of the axes, in CSS pixels. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Origin of a logarithmic x axis. */
  readonly logOrigin: LogOrigin;
}

export const FONT = '11px system-ui, sans-serif';

export function areaOf(
  width: number,
  height: number,
  margins: { right: number; left: number },
  logOrigin?: LogOrigin,
): PlotArea {
  const top = 8;
  const bottom = 34;
  return {
    left: margins.left,
    top,
    width: Math.max(10, width - margins.left - margins.right),
    height: Math.max(10, height - top - bottom),
    logOrigin,
  };
}

export function channelToX(area: PlotArea, range: ChannelRange, channel: number): number {
  return area.left + shareOfChannel(channel, range, area.logOrigin) * area.width;
}

export function xToChannel(area: PlotArea, range: ChannelRange, x: number): number {
  return channelAtShare((x - area.left) / area.width, range, area.logOrigin);
}

export function channelToY(area: PlotArea, range: ChannelRange, channel: number): number {
  return area.top + area.height - ((channel - range[0]) / (range[1] - range[0])) * area.height;
}

export function yToChannel(area: PlotArea, range: ChannelRange, y: number): number {
  return range[0] + ((area.top + area.height - y) / area.height) * (range[1] - range[0]);
}

/**
 * Clears the canvas, in the resolution of the screen, and returns a context in CSS pixels.
 * Undefined while the canvas, of the given size, has none.
 */
export function prepare(
  canvas: HTMLCanvasElement,
  { width, height }: CanvasSize,
  paper: string,
): { context: CanvasRenderingContext2D; width: number; height: number; ratio: number } | undefined {
  const ratio = Math.min(3, devicePixelRatio || 1);
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
