/**
 * Arithmetic on counts before they are sent: no peak disappears, and sums and moments are exact.
 */
import { expect } from 'chai';
import { array, assert as property, integer, property as forAll } from 'fast-check';
import { inRangeChannels } from '../../../web/view/axis.js';
import {
  clampRange,
  difference,
  project,
  reduce,
  regionStatistics,
  sumOf,
} from '../../../web/server/derive.js';

describe('arithmetic on counts for a page', () => {
  it('reducing counts to fewer values keeps the highest channel of each group', () => {
    property(
      forAll(
        array(integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 300 }),
        integer({ min: 1, max: 50 }),
        (counts, columns) => {
          const grid = { values: Uint32Array.from(counts), xchans: counts.length, ychans: 1 };
          const reduced = reduce(grid, [0, counts.length], [0, 1], { columns, rows: 1 });
          expect(reduced.columns).to.be.at.most(columns);
          expect(reduced.max).to.equal(Math.max(...counts));
          counts.forEach((count, channel) => {
            expect(reduced.values[Math.floor(channel / reduced.xgroup)]).to.be.at.least(count);
          });
        },
      ),
    );
  });

  it('counts that fit are not reduced, also in a part of a map', () => {
    const grid = { values: Uint32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]), xchans: 3, ychans: 3 };
    const reduced = reduce(grid, [1, 3], [1, 3], { columns: 10, rows: 10 });
    expect(Array.from(reduced.values)).to.deep.equal([5, 6, 8, 9]);
    expect(reduced).to.include({ columns: 2, rows: 2, xgroup: 1, ygroup: 1, max: 9 });
    expect(Array.from(reduce(grid, [0, 3], [0, 3], { columns: 2, rows: 1 }).values)).to.deep.equal([8, 9]);
  });

  it('values take the smallest type that holds the highest', () => {
    const kind = (count: number): string =>
      reduce({ values: Float64Array.of(count), xchans: 1, ychans: 1 }, [0, 1], [0, 1], {
        columns: 1,
        rows: 1,
      }).values.constructor.name;
    expect([255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32].map(kind)).to.deep.equal([
      'Uint8Array',
      'Uint16Array',
      'Uint16Array',
      'Uint32Array',
      'Uint32Array',
      'Float64Array',
    ]);
  });

  it('a map is projected onto either axis, over a band or over all channels', () => {
    const grid = { values: Uint8Array.from([1, 2, 3, 4, 5, 6]), xchans: 3, ychans: 2 };
    expect(Array.from(project(grid, 'x', [0, 2]))).to.deep.equal([5, 7, 9]);
    expect(Array.from(project(grid, 'y', [0, 3]))).to.deep.equal([6, 15]);
    expect(Array.from(project(grid, 'x', [1, 2]))).to.deep.equal([4, 5, 6]);
    expect(Array.from(project(grid, 'y', [1, 9]))).to.deep.equal([5, 11]);
  });

  it('a region has sum, centroid and width, with the centre of a channel at half a channel', () => {
    const values = Uint32Array.from([9, 0, 2, 4, 2, 0, 9]);
    const peak = regionStatistics({ values, xchans: 7, ychans: 1 }, [1, 6], [0, 1]);
    expect(peak.sum).to.equal(8);
    expect(peak.xmean).to.be.closeTo(3.5, 1e-12);
    expect(peak.xsigma).to.be.closeTo(Math.sqrt(0.5), 1e-12);
    const empty = regionStatistics({ values, xchans: 7, ychans: 1 }, [1, 2], [0, 1]);
    expect(empty).to.deep.equal({ sum: 0, xmean: null, xsigma: null, ymean: null, ysigma: null });
    const map = { values: Uint8Array.from([0, 0, 0, 0, 6, 2, 0, 0, 0]), xchans: 3, ychans: 3 };
    const spot = regionStatistics(map, [0, 3], [0, 3]);
    expect(spot).to.include({ sum: 8, xmean: 1.75, ymean: 1.5, ysigma: 0 });
  });

  it('the difference of two samples counts a cleared channel from zero', () => {
    expect(Array.from(difference(Uint32Array.of(5, 3, 1), Uint32Array.of(2, 3, 4)))).to.deep.equal([3, 0, 1]);
  });

  it('a sum is exact beyond 32 bits', () => {
    expect(sumOf(Uint32Array.of(2 ** 32 - 1, 2 ** 32 - 1, 1))).to.equal(2 ** 33 - 1);
  });

  it('a range is cut to its axis, and the range of an axis excludes under- and overflow', () => {
    expect(clampRange([5, 90], 10)).to.deep.equal([5, 10]);
    expect(clampRange([50, 90], 10)).to.deep.equal([9, 10]);
    expect(inRangeChannels(10, true)).to.deep.equal([1, 9]);
    expect(inRangeChannels(10, false)).to.deep.equal([0, 10]);
    expect(inRangeChannels(2, true)).to.deep.equal([0, 2]);
  });
});
