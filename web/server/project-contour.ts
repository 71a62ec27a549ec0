/**
 * Projection of a 2-D spectrum within a contour: only channels whose middle is inside are summed,
 * by the even-odd rule, so that every corner order gives the same. Used by `frames.ts`. Pure.
 */
import type { Values } from '../wire/frame.js';
import type { ContourPoint } from '../wire/messages.js';
import type { Grid } from './derive.js';

/** Sums onto `axis`. Corners are in stored channels; the middle of channel c is c + 0.5. */
export function projectContour(
  { values, xchans, ychans }: Grid,
  axis: 'x' | 'y',
  contour: readonly ContourPoint[],
): Values {
  const sums = new Float64Array(axis === 'x' ? xchans : ychans);
  for (let row = 0; row < ychans; row += 1) {
    const crossings = crossingsAt(row + 0.5, contour);
    for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
      const first = Math.max(0, firstMiddle(crossings[pair] ?? 0));
      const end = Math.min(xchans, firstMiddle(crossings[pair + 1] ?? 0));
      for (let channel = first; channel < end; channel += 1) {
        sums[axis === 'x' ? channel : row]! += values[row * xchans + channel] ?? 0;
      }
    }
  }
  return sums;
}

/** Where the contour crosses a height, from left to right. */
function crossingsAt(y: number, contour: readonly ContourPoint[]): number[] {
  const crossings: number[] = [];
  contour.forEach((from, index) => {
    const to = contour[(index + 1) % contour.length] ?? from;
    // Half open, so that a corner at this height counts once.
    if (from.y <= y === to.y <= y) return;
    crossings.push(from.x + ((y - from.y) * (to.x - from.x)) / (to.y - from.y));
  });
  return crossings.sort((one, other) => one - other);
}

/** The first channel whose middle is at or behind a place. */
function firstMiddle(x: number): number {
  return Math.ceil(x - 0.5);
}
