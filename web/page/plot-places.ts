/**
 * Places of a plot under pointer, finger or cursor: channels, parts, limits of regions, the strips
 * beside the axes; and the visible part after zooming or moving it. Used by `plot-pointer.ts`,
 * `plot-touch.ts` and `plot-keys.ts`. Reads the plot, and changes it only as its functions say.
 */
import { panRange, zoomRange } from '../view/axis.js';
import type { PlotSpec } from '../view/plot-spec.js';
import type { ChannelRange } from '../wire/ranges.js';
import { xToChannel, yToChannel } from './plot-area.js';
import type { ChannelPart, ChannelPoint, PlotHandle, RegionGrip } from './plot-interface.js';

/** The visible channels of both axes. */
export interface VisibleRanges {
  readonly x: ChannelRange;
  readonly y: ChannelRange;
}

/** CSS pixels from the upper left corner of the canvas. */
export interface CanvasPoint {
  readonly x: number;
  readonly y: number;
}

export function canvasPoint(plot: PlotHandle, { clientX, clientY }: MouseEvent): CanvasPoint {
  const box = plot.canvas.getBoundingClientRect();
  return { x: clientX - box.left, y: clientY - box.top };
}

/** The channels at a place, moved to the nearest visible ones. `ranges`: of an earlier moment. */
export function channelsAt(
  plot: PlotHandle,
  at: CanvasPoint,
  ranges: VisibleRanges | undefined = plot.ranges,
): ChannelPoint | undefined {
  const { area } = plot;
  if (area === undefined || ranges === undefined) return undefined;
  const clamp = (channel: number, [from, to]: ChannelRange): number =>
    Math.min(Math.max(channel, from), to - 1e-6);
  return {
    x: clamp(xToChannel(area, ranges.x, at.x), ranges.x),
    y: clamp(yToChannel(area, ranges.y, at.y), ranges.y),
  };
}

/** The axis beside which a place is: below the counts, or left of a map. */
export function axisAt(plot: PlotHandle, { x, y }: CanvasPoint): 'x' | 'y' | undefined {
  const { area } = plot;
  if (area === undefined) return undefined;
  if (y > area.top + area.height && x >= area.left) return 'x';
  return x < area.left && y <= area.top + area.height && !plot.isOneDimensional ? 'y' : undefined;
}

/** The whole channels that the rectangle between two points touches. */
export function partBetween(plot: PlotHandle, one: ChannelPoint, other: ChannelPoint): ChannelPart {
  const x = wholeChannels(one.x, other.x);
  return plot.isOneDimensional ? { x } : { x, y: wholeChannels(one.y, other.y) };
}

function wholeChannels(one: number, other: number): ChannelRange {
  return [Math.floor(Math.min(one, other)), Math.floor(Math.max(one, other)) + 1];
}

/** The settings that show `ranges` scaled about a point; a factor below 1 zooms in. */
export function zoomed(
  plot: PlotHandle,
  ranges: VisibleRanges,
  about: ChannelPoint,
  factor: number,
): Partial<PlotSpec> {
  const { axes } = plot;
  if (axes === undefined) return {};
  return plot.partOf(
    zoomRange(axes.x, ranges.x, about.x, factor),
    plot.isOneDimensional ? undefined : zoomRange(axes.y, ranges.y, about.y, factor),
  );
}

/** The settings that show `ranges` moved by channels. */
export function panned(plot: PlotHandle, ranges: VisibleRanges, by: ChannelPoint): Partial<PlotSpec> {
  const { axes } = plot;
  if (axes === undefined) return {};
  return plot.partOf(
    panRange(axes.x, ranges.x, by.x),
    plot.isOneDimensional ? undefined : panRange(axes.y, ranges.y, by.y),
  );
}

/** Moves a limit, or the whole region, by channels of the plot; shown until the drag ends. */
export function dragGrip(plot: PlotHandle, { index, spectrum, x, part }: RegionGrip, by: number): void {
  const channels = Math.round(by / (plot.spectrum(spectrum)?.placement.scale ?? 1));
  const low = part === 'high' ? x[0] : x[0] + channels;
  const high = part === 'low' ? x[1] : x[1] + channels;
  if (low < high) plot.regions.previewMove(index, [low, high]);
}
