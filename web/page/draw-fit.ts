/**
 * Draws a fit over the counts of a plot: the fitted counts, the background below the peaks, and
 * the residuals in standard deviations in a strip at the top of the region. Used by `PlotRegions`.
 * Draws on the canvas that is passed in.
 */
import { countScale, type ScaleName } from '../../plotting/scale.js';
import type { FitCurves } from '../../analysis/fit/fit-spectrum.js';
import type { ChannelRange } from '../wire/ranges.js';
import { channelToX, type PlotArea } from './plot-area.js';

/** How counts become heights in a plot. */
export interface CountView {
  readonly scale: ScaleName;
  /** Counts at the ends of the axis. */
  readonly bottom: number;
  readonly top: number;
  /** Shown value per count: 1, or one over the seconds of a rate. */
  readonly factor: number;
}

/** Height of the strip of residuals, CSS pixels. */
const STRIP_PX = 34;
/** Largest residual that the strip shows, in standard deviations. */
const RESIDUAL_MAX = 4;

/** `places`: the edges of the fitted channels, one more than channels, in channels of the plot. */
export function drawFit(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  visible: ChannelRange,
  curves: FitCurves,
  places: Float64Array,
  { scale, bottom: low, top, factor }: CountView,
  colour: string,
): void {
  const { toUnit } = countScale(scale, top, low);
  const bottom = area.top + area.height;
  const xOf = (index: number): number => channelToX(area, visible, places[index] ?? 0);
  const middle = (index: number): number => (xOf(index) + xOf(index + 1)) / 2;
  const line = (values: Float64Array): void => {
    context.beginPath();
    values.forEach((value, index) => {
      const y = bottom - toUnit(Math.max(0, value * factor)) * area.height;
      if (index === 0) context.moveTo(middle(index), y);
      else context.lineTo(middle(index), y);
    });
    context.stroke();
  };
  context.save();
  context.beginPath();
  context.rect(area.left, area.top, area.width, area.height);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 1.8;
  line(curves.expected);
  context.lineWidth = 1.2;
  context.setLineDash([4, 3]);
  line(curves.background);
  context.setLineDash([]);
  drawResiduals(context, area, curves.residuals, xOf, colour);
  context.restore();
}

function drawResiduals(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  residuals: Float64Array,
  xOf: (index: number) => number,
  colour: string,
): void {
  const zero = area.top + STRIP_PX / 2;
  context.fillStyle = colour;
  context.globalAlpha = 0.7;
  residuals.forEach((residual, index) => {
    const shown = Math.min(RESIDUAL_MAX, Math.max(-RESIDUAL_MAX, residual));
    const height = (shown / RESIDUAL_MAX) * (STRIP_PX / 2);
    const left = xOf(index);
    const width = Math.max(1, xOf(index + 1) - left - 0.5);
    context.fillRect(left, height > 0 ? zero - height : zero, width, Math.abs(height));
  });
  context.globalAlpha = 1;
  context.lineWidth = 0.8;
  context.beginPath();
  context.moveTo(xOf(0), zero);
  context.lineTo(xOf(residuals.length), zero);
  context.stroke();
}
