/** Projections within a contour against testing every channel. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { projectWithin } from '../../../web/server/project-within.js';
import type { ContourPoint } from '../../../web/wire/subscription.js';

/** Whether a point is inside, by the turns of the lines to all corners. */
function isInside(x: number, y: number, contour: readonly ContourPoint[]): boolean {
  let inside = false;
  contour.forEach((one, index) => {
    const other = contour[(index + 1) % contour.length]!;
    const [low, high] = one.y < other.y ? [one, other] : [other, one];
    if (y < low.y || y >= high.y) return;
    const side = (high.x - low.x) * (y - low.y) - (x - low.x) * (high.y - low.y);
    if (side > 0) inside = !inside;
  });
  return inside;
}

describe('a projection within a contour', () => {
  it('sums the channels whose middle is inside, whatever the contour', () => {
    // Corners that no middle of a channel lies on.
    const corner = fc.record({
      x: fc.integer({ min: -30, max: 130 }).map((value) => value / 7 + 0.013),
      y: fc.integer({ min: -30, max: 130 }).map((value) => value / 7 + 0.017),
    });
    fc.assert(
      fc.property(fc.array(corner, { minLength: 3, maxLength: 9 }), (contour) => {
        const [xchans, ychans] = [12, 9];
        const values = Uint32Array.from({ length: xchans * ychans }, (_, index) => index * index + 1);
        const zeros = (length: number): number[] => Array.from({ length }, () => 0);
        const onto = { x: zeros(xchans), y: zeros(ychans) };
        for (let y = 0; y < ychans; y += 1) {
          for (let x = 0; x < xchans; x += 1) {
            if (!isInside(x + 0.5, y + 0.5, contour)) continue;
            onto.x[x]! += values[y * xchans + x]!;
            onto.y[y]! += values[y * xchans + x]!;
          }
        }
        const grid = { values, xchans, ychans };
        const outline = { shape: 'contour', points: contour } as const;
        const all = { x: [0, xchans], y: [0, ychans] } as const;
        expect([...projectWithin(grid, 'x', outline, all)]).to.deep.equal(onto.x);
        expect([...projectWithin(grid, 'y', outline, all)]).to.deep.equal(onto.y);
      }),
    );
  });

  it('a rectangle has exactly its channels', () => {
    const grid = { values: new Uint8Array(16).fill(1), xchans: 4, ychans: 4 };
    const corners = [
      { x: 1, y: 1 },
      { x: 3, y: 1 },
      { x: 3, y: 4 },
      { x: 1, y: 4 },
    ];
    const all = { x: [0, 4], y: [0, 4] } as const;
    const outline = { shape: 'contour', points: corners } as const;
    expect([...projectWithin(grid, 'x', outline, all)]).to.deep.equal([0, 3, 3, 0]);
    const reversed = { ...outline, points: corners.toReversed() };
    expect([...projectWithin(grid, 'y', reversed, all)]).to.deep.equal([0, 2, 2, 2]);
  });

  it('a band has all on and below its line, without under- and overflow', () => {
    const grid = { values: new Uint8Array(36).fill(1), xchans: 6, ychans: 6 };
    const points = [
      { x: 0, y: 3.5 },
      { x: 4, y: 3.5 },
    ];
    const inRange = { x: [1, 5], y: [1, 5] } as const;
    const onto = projectWithin(grid, 'x', { shape: 'band', points }, inRange);
    expect([...onto]).to.deep.equal([0, 3, 3, 3, 0, 0]);
  });
});
