/**
 * Which bins of a spectrum lie inside a gate: those whose middle passes the gate, by the rules that
 * SpecTcl applies to events. Used by gate-figures.ts. Pure.
 *
 * A slice includes both limits. A point is in a contour when an odd number of its sides lies to the
 * left, a side through the point included. A point is in a band on or below the line through its
 * points, between the first and the last.
 */
import { binWidth, middleOf, type BinRun, type GateAxis, type GateOutline } from './gate-outline.js';

/** Runs of bins inside the gate; `row` is a bin of the y axis, 0 for one dimension. */
export function runsInside(
  gate: GateOutline,
  x: GateAxis,
  y: GateAxis | undefined,
): (row: number) => readonly BinRun[] {
  switch (gate.type) {
    case 's':
    case 'gs': {
      const run = binsBetween(x, gate.low, gate.high, true);
      return () => (run === undefined ? [] : [run]);
    }
    case 'c':
    case 'gc':
      return (row) => (y === undefined ? [] : contourRuns(gate, x, middleOf(y, row)));
    case 'b':
    case 'gb': {
      const limits = bandLimits(gate, x);
      return (row) => (y === undefined ? [] : bandRuns(limits, middleOf(y, row)));
    }
    default:
      return gate.type satisfies never;
  }
}

function contourRuns({ points }: GateOutline, axis: GateAxis, y: number): BinRun[] {
  const crossings: number[] = [];
  points.forEach((from, index) => {
    const to = points[(index + 1) % points.length] ?? from;
    if (from.y > y === to.y > y) return;
    crossings.push(from.x + ((y - from.y) * (to.x - from.x)) / (to.y - from.y));
  });
  crossings.sort((one, other) => one - other);
  const runs: BinRun[] = [];
  for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
    const run = binsBetween(axis, crossings[pair] ?? 0, crossings[pair + 1] ?? 0, false);
    if (run !== undefined) runs.push(run);
  }
  return runs;
}

/** The bins with their middle from `low` to `high`; `closed`: also at `high` itself. */
function binsBetween(axis: GateAxis, low: number, high: number, closed: boolean): BinRun | undefined {
  const place = (value: number): number => (value - axis.low) / binWidth(axis) - 0.5;
  const from = Math.max(0, Math.ceil(place(low)));
  const end = place(high);
  const to = Math.min(axis.bins - 1, closed ? Math.floor(end) : Math.ceil(end) - 1);
  return to < from ? undefined : [from, to];
}

/** The height of the band above the middle of each bin; below everything where it has none. */
function bandLimits({ points }: GateOutline, axis: GateAxis): Float64Array {
  return Float64Array.from({ length: axis.bins }, (_, bin) => {
    const x = middleOf(axis, bin);
    let limit = -Infinity;
    for (let index = 1; index < points.length; index += 1) {
      const [from, to] = [points[index - 1]!, points[index]!];
      const [left, right] = from.x <= to.x ? [from, to] : [to, from];
      if (x < left.x || x > right.x) continue;
      const part = right.x === left.x ? 1 : (x - left.x) / (right.x - left.x);
      limit = Math.max(limit, left.y + part * (right.y - left.y));
    }
    return limit;
  });
}

function bandRuns(limits: Float64Array, y: number): BinRun[] {
  const runs: BinRun[] = [];
  let from = -1;
  for (let bin = 0; bin <= limits.length; bin += 1) {
    const isInside = bin < limits.length && y <= (limits[bin] ?? -Infinity);
    if (isInside && from < 0) from = bin;
    if (isInside || from < 0) continue;
    runs.push([from, bin - 1]);
    from = -1;
  }
  return runs;
}
