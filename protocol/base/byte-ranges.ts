/**
 * Byte ranges of a memory, such as the parts of a display memory that an update changed. Used by
 * the duplicator to compare updates and to keep the image current. Pure.
 */

/** From `start` to before `end`, in bytes. */
export type ByteRange = readonly [start: number, end: number];

/** The bytes of the ranges as ascending ranges; overlapping and adjacent ranges become one. */
export function mergeRanges(ranges: readonly ByteRange[]): [start: number, end: number][] {
  const merged: [number, number][] = [];
  for (const [start, end] of ranges.toSorted((one, other) => one[0] - other[0])) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}
