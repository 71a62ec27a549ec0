/**
 * Draws the marks over the counts of a plot: SpecTcl's gates (conditions on one or two parameters
 * of an event), the region of interest, the cursor, and the rectangle that the user is drawing.
 * Used by `Plot` and `PlotRegions`. Draws on the canvas that is passed in.
 */
import { toChannel, type Axis } from '../view/axis.js';
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { ChannelRange } from '../wire/ranges.js';
import type { Region } from '../wire/subscription.js';
import { channelToX, channelToY, FONT, type PlotArea } from './plot-area.js';
import type { Palette } from './theme.js';

/** Where marks are drawn: the inside of the axes and the visible channels. */
export interface MarkArea {
  readonly area: PlotArea;
  readonly x: ChannelRange;
  /** Undefined for 1-D, where marks reach from bottom to top. */
  readonly y: ChannelRange | undefined;
  /** Colour of the background. */
  readonly paper: string;
}

/** `applied`: the gate decides which events the spectrum counts. */
export function drawGate(
  context: CanvasRenderingContext2D,
  { area, x, y }: MarkArea,
  gate: GateShape,
  axes: { readonly x: Axis; readonly y: Axis },
  applied: boolean,
  palette: Palette,
): void {
  context.save();
  clip(context, area);
  context.strokeStyle = palette.gate;
  context.lineWidth = applied ? 2 : 1.2;
  context.setLineDash(applied ? [] : [5, 4]);
  context.beginPath();
  const extent: number[] = [];
  let labelAt = { x: area.left, y: area.top };
  if (gate.shape === 'slice') {
    for (const value of [gate.low, gate.high]) {
      const left = channelToX(area, x, toChannel(axes.x, value));
      extent.push(left);
      context.moveTo(left, area.top);
      context.lineTo(left, area.top + area.height);
    }
    labelAt = { x: channelToX(area, x, toChannel(axes.x, gate.low)), y: area.top };
  } else if (y !== undefined) {
    gate.points.forEach((point, index) => {
      const [px, py] = [
        channelToX(area, x, toChannel(axes.x, point.x)),
        channelToY(area, y, toChannel(axes.y, point.y)),
      ];
      extent.push(px);
      if (index === 0) labelAt = { x: px, y: py };
      if (index === 0) context.moveTo(px, py);
      else context.lineTo(px, py);
    });
    if (gate.shape === 'contour') context.closePath();
  }
  // A halo below the line, so that it is visible on bright and on dark counts.
  context.save();
  context.setLineDash([]);
  context.strokeStyle = palette.paper;
  context.globalAlpha = 0.65;
  context.lineWidth = applied ? 4 : 3.4;
  context.stroke();
  context.restore();
  context.stroke();
  context.setLineDash([]);
  if (Math.max(...extent) > area.left && Math.min(...extent) < area.left + area.width) {
    context.font = FONT;
    const most = area.left + area.width - context.measureText(gate.name).width - 2;
    const left = Math.max(area.left + 4, Math.min(labelAt.x + 4, most));
    const top = Math.max(area.top + 2, Math.min(labelAt.y + 2, area.top + area.height - LABEL_PX));
    drawLabel(context, gate.name, left, top, palette.gate, palette.paper);
  }
  context.restore();
}

export function drawRegion(
  context: CanvasRenderingContext2D,
  { area, x, y, paper }: MarkArea,
  region: Region,
  colour: string,
  label: { readonly name: string; readonly selected: boolean } = { name: '', selected: false },
): void {
  context.save();
  clip(context, area);
  const left = channelToX(area, x, region.x[0]);
  const right = channelToX(area, x, region.x[1]);
  const top = y === undefined || region.y === undefined ? area.top : channelToY(area, y, region.y[1]);
  const bottom =
    y === undefined || region.y === undefined ? area.top + area.height : channelToY(area, y, region.y[0]);
  context.fillStyle = colour;
  context.globalAlpha = 0.14;
  context.fillRect(left, top, right - left, bottom - top);
  context.globalAlpha = 1;
  context.strokeStyle = colour;
  context.lineWidth = label.selected ? 2.2 : 1.2;
  context.strokeRect(left, top, right - left, bottom - top);
  if (label.name !== '') drawLabel(context, label.name, left + 4, top + 3, colour, paper);
  context.restore();
}

/** Draws lines through the channel under the cursor. */
export function drawCursor(
  context: CanvasRenderingContext2D,
  { area, x, y }: MarkArea,
  at: { readonly x: number; readonly y: number },
  palette: Palette,
): void {
  context.save();
  clip(context, area);
  context.strokeStyle = palette.ink;
  context.globalAlpha = 0.55;
  context.lineWidth = 1;
  context.setLineDash([2, 3]);
  context.beginPath();
  const left = Math.round(channelToX(area, x, at.x)) + 0.5;
  context.moveTo(left, area.top);
  context.lineTo(left, area.top + area.height);
  if (y !== undefined) {
    const top = Math.round(channelToY(area, y, at.y)) + 0.5;
    context.moveTo(area.left, top);
    context.lineTo(area.left + area.width, top);
  }
  context.stroke();
  context.restore();
}

function clip(context: CanvasRenderingContext2D, area: PlotArea): void {
  context.beginPath();
  context.rect(area.left, area.top, area.width, area.height);
  context.clip();
}

/** Height of a label, CSS pixels. */
const LABEL_PX = 14;

function drawLabel(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  colour: string,
  paper: string,
): void {
  context.font = FONT;
  context.textAlign = 'left';
  context.textBaseline = 'top';
  context.lineWidth = 3;
  context.strokeStyle = paper;
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
}

/** A triangle that points at a peak, and its place as text. */
export function drawPeakMark(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  text: string,
  colour: string,
): void {
  context.save();
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x - 4, y - 7);
  context.lineTo(x + 4, y - 7);
  context.fill();
  context.font = FONT;
  context.textAlign = 'center';
  context.textBaseline = 'bottom';
  context.fillText(text, x, y - 8);
  context.restore();
}

/** A point of the gate that is drawn, by which it is dragged. */
export function drawGatePoint(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  selected: boolean,
  palette: Palette,
): void {
  context.save();
  context.beginPath();
  context.arc(x, y, selected ? 5.5 : 4, 0, 2 * Math.PI);
  context.fillStyle = selected ? palette.gate : palette.paper;
  context.fill();
  context.strokeStyle = palette.gate;
  context.lineWidth = 1.6;
  context.stroke();
  context.restore();
}
