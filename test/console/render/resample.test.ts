import { expect } from 'chai';
import * as fc from 'fast-check';
import { channelWindow, largestPerColumn, shareOut } from '../../../console/render/resample.js';

const shown = (range?: readonly [number, number]): number[] => {
  const { first, end, from, to } = channelWindow(10, 100, 200, range);
  return [first, end, from, to];
};

describe('channels of a plot', () => {
  it('all channels without a range', () => {
    expect(shown()).to.deep.equal([0, 10, 100, 200]);
  });
  it('a range is widened to whole channels, in either order', () => {
    expect(shown([115, 141])).to.deep.equal([1, 5, 110, 150]);
    expect(shown([141, 115])).to.deep.equal([1, 5, 110, 150]);
  });
  it('a range inside one channel shows that channel', () => {
    expect(shown([112, 113])).to.deep.equal([1, 2, 110, 120]);
    expect(shown([110, 110])).to.deep.equal([1, 2, 110, 120]);
  });
  it('a range beside the axis shows nothing', () => {
    for (const range of [
      [0, 50],
      [300, 400],
    ] as const) {
      const { first, end } = channelWindow(10, 100, 200, range);
      expect(end - first).to.equal(0);
    }
  });
  it('an axis that makes no sense is replaced by channel numbers', () => {
    for (const [min, max] of [
      [5, 5],
      [9, 1],
      [Number.NaN, 1],
      [0, Number.POSITIVE_INFINITY],
    ] as const) {
      expect(channelWindow(10, min, max)).to.deep.include({ from: 0, to: 10, channelWidth: 1 });
    }
  });
  it('every channel is in a cell, and no cell is empty', () => {
    fc.assert(
      fc.property(
        fc.nat(50),
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 300 }),
        (first, channels, cells) => {
          const { starts, ends } = shareOut(first, first + channels, cells);
          const seen = new Set<number>();
          for (const [cell, start] of starts.entries()) {
            expect(ends[cell]).to.be.above(start);
            for (let channel = start; channel < ends[cell]!; channel += 1) seen.add(channel);
          }
          expect([...seen].sort((a, b) => a - b)).to.deep.equal(
            Array.from({ length: channels }, (_, i) => first + i),
          );
        },
      ),
    );
  });
  it('no peak disappears', () => {
    fc.assert(
      fc.property(
        fc.uint32Array({ minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1, max: 200 }),
        (counts, columns) => {
          const contents = largestPerColumn(counts, 0, counts.length, columns);
          expect(Math.max(...contents)).to.equal(Math.max(...counts));
        },
      ),
    );
  });
});
