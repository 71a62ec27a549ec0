/**
 * SpecTcl's `integrate`: counts, centroid and FWHM inside a slice or a contour, from the channels
 * of a spectrum. Used by spectrum-requests.ts. Pure.
 *
 * The rule, read from SpecTcl's sources: limits become channels by cutting off the fraction. A
 * slice sums from the channel of its low limit to the one before that of its high limit, at least
 * one. A polygon is filled line by line: all edges that touch a line, both ends included, give a
 * channel; these are sorted, and the channels of each two of them are summed, the second included.
 * The position of a channel is its lower edge, and the FWHM is 2.354 standard deviations.
 */
import type { GatePoint } from './gate-condition.js';
import { ServiceError } from './service-error.js';
import type { AxisDefinition } from './spectrum-definition.js';

const FWHM_PER_SIGMA = 2.354;

export interface Integrated {
  /** One for each axis. */
  readonly centroid: readonly number[];
  readonly fwhm: readonly number[];
  readonly counts: number;
}

/** The counts of bin x (and y) of a spectrum, without under- and overflow. */
export type CountsAt = (x: number, y: number) => number;

export function integrateLimits(
  axis: AxisDefinition,
  countsAt: CountsAt,
  low: number,
  high: number,
): Integrated {
  const [from, to] = [Math.max(0, low), Math.min(axis.bins - 1, high)];
  if (to < 0 || from >= axis.bins) throw new ServiceError('No spectrum channels are within the limits');
  const sums = new Sums([axis]);
  for (let x = from; x <= to; x++) sums.add([x], countsAt(x, 0));
  return sums.result('Integration area is zero');
}

/** The channels of a slice. */
export function sliceChannels(axis: AxisDefinition, low: number, high: number): [number, number] {
  const [first, last] = [channelOf(axis, low), channelOf(axis, high)];
  return [first, first === last ? last : last - 1];
}

export function integratePolygon(
  [xaxis, yaxis]: readonly [AxisDefinition, AxisDefinition],
  countsAt: CountsAt,
  points: readonly GatePoint[],
): Integrated {
  const corners = points.map(({ x, y }) => ({ x: channelOf(xaxis, x), y: channelOf(yaxis, y) }));
  const clip = (value: number, bins: number): number => Math.max(0, Math.min(bins - 1, value));
  const lines = corners.map(({ y }) => clip(y, yaxis.bins));
  const columns = corners.map(({ x }) => clip(x, xaxis.bins));
  const [first, last] = [Math.min(...lines), Math.max(...lines)];
  if (first === last || Math.min(...columns) === Math.max(...columns))
    throw new ServiceError('No spectrum channels are in the region of interest');
  const sums = new Sums([xaxis, yaxis]);
  for (let y = first; y <= last; y++) {
    const ends = corners
      .flatMap((from, index) => edgeChannels(from, corners[(index + 1) % corners.length] ?? from, y))
      .sort((one, other) => one - other);
    for (let pair = 0; pair + 1 < ends.length; pair += 2) {
      const [from = 0, to = 0] = [ends[pair], ends[pair + 1]];
      for (let x = Math.max(0, from); x <= Math.min(xaxis.bins - 1, to); x++)
        sums.add([x, y], countsAt(x, y));
    }
  }
  return sums.result('Integration area is 0');
}

/** The channel of a value, also beyond the ends of the axis. */
export function channelOf({ low, high, bins }: AxisDefinition, value: number): number {
  return Math.trunc(((value - low) * bins) / (high - low));
}

function edgeChannels(from: GatePoint, to: GatePoint, line: number): number[] {
  if (line < Math.min(from.y, to.y) || line > Math.max(from.y, to.y)) return [];
  if (from.x === to.x) return [from.x];
  if (from.y === to.y) return [from.x, to.x];
  const top = from.y > to.y ? from : to;
  const slope = (to.y - from.y) / (to.x - from.x);
  return [Math.trunc(top.x + (line - top.y) / slope)];
}

/** Sums of counts, weighted by the lower edges of their channels. */
class Sums {
  readonly #axes: readonly AxisDefinition[];
  readonly #first: number[];
  readonly #second: number[];
  #counts = 0;

  constructor(axes: readonly AxisDefinition[]) {
    this.#axes = axes;
    this.#first = axes.map(() => 0);
    this.#second = axes.map(() => 0);
  }

  add(channels: readonly number[], counts: number): void {
    this.#counts += counts;
    this.#axes.forEach(({ low, high, bins }, index) => {
      const position = low + ((channels[index] ?? 0) * (high - low)) / bins;
      this.#first[index]! += position * counts;
      this.#second[index]! += position * position * counts;
    });
  }

  result(whenEmpty: string): Integrated {
    const counts = this.#counts;
    if (counts === 0) throw new ServiceError(whenEmpty);
    const centroid = this.#first.map((sum) => sum / counts);
    const fwhm = this.#second.map(
      (sum, index) => Math.sqrt(Math.max(0, sum / counts - (centroid[index] ?? 0) ** 2)) * FWHM_PER_SIGMA,
    );
    return { centroid, fwhm, counts };
  }
}
