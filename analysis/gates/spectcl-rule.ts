/**
 * Which bins SpecTcl's command `integrate` sums for a slice or a contour. Its numbers are those
 * that SpecTcl and its viewer CutiePie show. Used by gate-figures.ts. Pure. Read from SpecTcl's
 * sources:
 *
 * Values become bins by cutting off the fraction. A slice sums from the bin of its low limit to the
 * one before that of its high limit, or that bin alone when both are the same. A contour is filled
 * row by row: every side that reaches the row, ends included, gives a bin; each two of the sorted
 * bins begin and end a run. So a corner on a row counts for both of its sides.
 */
import { binWidth, type BinRun, type GateAxis, type GateOutline, type OutlinePoint } from './gate-outline.js';

/**
 * A function that returns the runs of bins to sum in a row of a spectrum, first and last bin of
 * each; the row of a 1-D spectrum is not used. Undefined for a gate that `integrate` does not
 * accept.
 */
export function spectclRuns(
  gate: GateOutline,
  x: GateAxis,
  y: GateAxis | undefined,
): ((row: number) => readonly BinRun[]) | undefined {
  if (gate.type === 's' && y === undefined) {
    const [first, last] = [binOf(x, gate.low), binOf(x, gate.high)];
    const run = withinAxis(x, first, first === last ? last : last - 1);
    return () => run;
  }
  if (gate.type !== 'c' || y === undefined) return undefined;
  const corners = gate.points.map((point) => ({ x: binOf(x, point.x), y: binOf(y, point.y) }));
  return (row) => {
    const bins: number[] = [];
    corners.forEach((from, index) => addBins(bins, from, corners[(index + 1) % corners.length] ?? from, row));
    bins.sort((one, other) => one - other);
    const runs: BinRun[] = [];
    for (let pair = 0; pair + 1 < bins.length; pair += 2) {
      runs.push(...withinAxis(x, bins[pair] ?? 0, bins[pair + 1] ?? 0));
    }
    return runs;
  };
}

function binOf(axis: GateAxis, value: number): number {
  return Math.trunc((value - axis.low) / binWidth(axis));
}

function withinAxis({ bins }: GateAxis, from: number, to: number): BinRun[] {
  const run: BinRun = [Math.max(0, from), Math.min(bins - 1, to)];
  return run[1] < run[0] ? [] : [run];
}

/** Adds the bin in which a side of a contour meets a row, or both ends of a side along the row. */
function addBins(bins: number[], from: OutlinePoint, to: OutlinePoint, row: number): void {
  const [below, above] = from.y > to.y ? [to, from] : [from, to];
  if (row < below.y || row > above.y) return;
  if (above.y === below.y && above.x !== below.x) bins.push(from.x, to.x);
  else if (above.x === below.x) bins.push(above.x);
  else bins.push(Math.trunc(above.x + ((row - above.y) * (above.x - below.x)) / (above.y - below.y)));
}
