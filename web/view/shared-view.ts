/**
 * Showing several plots alike: the settings that give another plot the scale, the visible part and
 * the limits of one. `Board` of the page applies them. Pure.
 */
import { fitRange, toChannel, toUnits, undefinedIfWhole, type Axis } from './axis.js';
import type { PlotAxes, PlotRanges } from './plot-axes.js';
import type { PlotSpec } from './plot-spec.js';
import { countsLabel } from './plot-title.js';
import type { ChannelRange } from '../wire/ranges.js';

/** What a plot shows. */
export interface ShownPlot {
  readonly spec: PlotSpec;
  readonly scale: PlotSpec['scale'];
  readonly isOneDimensional: boolean;
  readonly axes: PlotAxes | undefined;
  readonly ranges: PlotRanges | undefined;
  readonly countLimits: { readonly bottom: number; readonly top: number } | undefined;
}

/** Plots of one kind have the same axes: counts and channels, or two axes of channels. */
export function isSameKind(one: ShownPlot, other: ShownPlot): boolean {
  return one.isOneDimensional === other.isOneDimensional && countsLabel(one.spec) === countsLabel(other.spec);
}

/** The limits of counts that show everything that plots of one kind show. */
export function commonLimits(plots: readonly ShownPlot[]): { low: number | undefined; high: number } {
  const limits = plots.flatMap(({ countLimits }) => countLimits ?? []);
  const low = Math.min(...limits.map(({ bottom }) => bottom));
  const high = Math.max(...limits.map(({ top }) => top));
  return { low: Number.isFinite(low) && low !== 0 ? low : undefined, high: high > 0 ? high : 1 };
}

/**
 * `limits`: those of `commonLimits`. The part is the same in units, or in channels where `from` has
 * them.
 */
export function sharedView(
  from: ShownPlot,
  to: ShownPlot,
  limits: { readonly low: number | undefined; readonly high: number },
): Partial<PlotSpec> {
  const { spec, scale, axes, ranges, isOneDimensional } = from;
  const { channels, look } = spec;
  const view = { scale, channels, look: { ...look, ...limits } };
  if (axes === undefined || ranges === undefined || to.axes === undefined) return view;
  return {
    ...view,
    x: partOn(axes.x, ranges.x, to.axes.x, channels),
    ...(isOneDimensional ? {} : { y: partOn(axes.y, ranges.y, to.axes.y, channels) }),
  };
}

function partOn(from: Axis, range: ChannelRange, to: Axis, byChannel: boolean): ChannelRange | undefined {
  const placed = range.map((channel) =>
    byChannel ? channel - from.inRange[0] + to.inRange[0] : toChannel(to, toUnits(from, channel)),
  ) as [number, number];
  return undefinedIfWhole(to, fitRange(to, placed[0], placed[1], 1));
}
