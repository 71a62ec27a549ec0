/**
 * What lies over the counts: gates, the region of interest, the cursor, the rectangle that is being
 * drawn.
 */
import { toChannel, type Axis } from '../view/axis.js';
import type { ChannelRange, GateShape, Region, SpectrumInfo } from '../wire/messages.js';
import { channelToX, channelToY, FONT, type PlotArea } from './plot-area.js';
import type { Palette } from './theme.js';

export interface MarkArea {
  readonly area: PlotArea;
  readonly x: ChannelRange;
  /** Undefined for 1-D, where everything reaches from bottom to top. */
  readonly y: ChannelRange | undefined;
}

/**
 * The gates that lie on the axes of a spectrum: slices of its parameter, contours and bands of its
 * two.
 */
export function gatesOn(
  info: SpectrumInfo,
  projection: 'x' | 'y' | undefined,
  gates: readonly GateShape[],
): readonly GateShape[] {
  const parameters = info.parameters ?? [];
  const flat = info.dimensions === 1 || projection !== undefined;
  const along = projection === 'y' ? parameters[1] : parameters[0];
  return gates.filter((gate) =>
    flat
      ? gate.shape === 'slice' && gate.parameters[0] === along
      : gate.shape !== 'slice' &&
        gate.parameters[0] === parameters[0] &&
        gate.parameters[1] === parameters[1],
  );
}

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
  let at = { x: area.left, y: area.top };
  if (gate.shape === 'slice') {
    for (const value of [gate.low, gate.high]) {
      const place = channelToX(area, x, toChannel(axes.x, value));
      context.moveTo(place, area.top);
      context.lineTo(place, area.top + area.height);
    }
    at = { x: channelToX(area, x, toChannel(axes.x, gate.low)), y: area.top };
  } else if (y !== undefined) {
    gate.points.forEach((point, index) => {
      const [px, py] = [
        channelToX(area, x, toChannel(axes.x, point.x)),
        channelToY(area, y, toChannel(axes.y, point.y)),
      ];
      if (index === 0) at = { x: px, y: py };
      if (index === 0) context.moveTo(px, py);
      else context.lineTo(px, py);
    });
    if (gate.shape === 'contour') context.closePath();
  }
  // A halo first: gates lie on bright and dark counts alike.
  context.save();
  context.setLineDash([]);
  context.strokeStyle = palette.paper;
  context.globalAlpha = 0.65;
  context.lineWidth = applied ? 4 : 3.4;
  context.stroke();
  context.restore();
  context.stroke();
  context.setLineDash([]);
  label(context, gate.name, at.x + 4, Math.max(area.top + 2, at.y + 2), palette.gate, palette.paper);
  context.restore();
}

export function drawRegion(
  context: CanvasRenderingContext2D,
  { area, x, y }: MarkArea,
  region: Region,
  colour: string,
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
  context.lineWidth = 1.2;
  context.strokeRect(left, top, right - left, bottom - top);
  context.restore();
}

/** Lines through the channel under the cursor. */
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

function label(
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
