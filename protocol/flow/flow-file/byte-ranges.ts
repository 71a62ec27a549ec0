/**
 * Arithmetic of byte ranges [start, end) of a mirror's memory: what an update changed, as lists of
 * ranges. Used where such lists are combined: while an update arrives from SpecTcl, and from the
 * block frames of another host. Pure.
 */
import type { ChangedRanges } from './image.js';

/** The same bytes in ascending order, with overlapping and adjacent ranges joined. */
export function mergeRanges(ranges: ChangedRanges): [start: number, end: number][] {
  const merged: [number, number][] = [];
  for (const [start, end] of ranges.toSorted((one, other) => one[0] - other[0])) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}
