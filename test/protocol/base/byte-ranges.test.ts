/** Merging byte ranges. Pure. */
import { expect } from 'chai';
import { mergeRanges } from '../../../protocol/base/byte-ranges.js';

describe('byte ranges', () => {
  it('overlapping and adjacent ranges are merged, and the result is ascending', () => {
    const ranges = [
      [20, 30],
      [0, 5],
      [5, 8],
      [22, 25],
      [40, 50],
    ] as const;
    expect(mergeRanges(ranges)).to.deep.equal([
      [0, 8],
      [20, 30],
      [40, 50],
    ]);
    expect(mergeRanges([])).to.deep.equal([]);
  });
});
