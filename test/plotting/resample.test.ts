/** Reducing channels to columns keeps every peak. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { cellEdges, envelope } from '../../plotting/resample.js';

describe('resampling of channels', () => {
  it('every channel is in a cell and no cell is empty', () => {
    fc.assert(
      fc.property(
        fc.nat(50),
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 300 }),
        (first, channels, cells) => {
          const { starts, ends } = cellEdges(first, first + channels, cells);
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
  it('the envelope keeps every peak and its low side is never above its high side', () => {
    fc.assert(
      fc.property(
        fc.uint32Array({ minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1, max: 200 }),
        (counts, columns) => {
          const { low, high } = envelope(counts, 0, counts.length, columns);
          expect(Math.max(...high)).to.equal(Math.max(...counts));
          for (const [column, top] of high.entries()) expect(low[column]).to.be.at.most(top);
        },
      ),
    );
  });
  it('the envelope covers only the channels asked for', () => {
    const { low, high } = envelope([9, 1, 2, 3, 4, 9], 1, 5, 2);
    expect([...low]).to.deep.equal([1, 3]);
    expect([...high]).to.deep.equal([2, 4]);
  });
  it('the envelope of differences is below zero where they are, and leaves gaps out', () => {
    const gaps = [-4, -2, Number.NaN, -3, Number.NaN, Number.NaN];
    const { low, high } = envelope(gaps, 0, 6, 3);
    expect([...low]).to.deep.equal([-4, -3, Number.POSITIVE_INFINITY]);
    expect([...high]).to.deep.equal([-2, -3, Number.NEGATIVE_INFINITY]);
  });
});
