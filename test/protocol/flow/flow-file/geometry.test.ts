/** Sizes and slot positions of flow files, for any options. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  geometryOf,
  slotOffset,
  slotsForBudget,
  strideOf,
} from '../../../../protocol/flow/flow-file/geometry.js';
import { thrownBy } from './place.js';

const LARGEST = 2 ** 31 - 1;

describe('flow file geometry', () => {
  it('the stride of a slot is rounded up to whole cache lines', () => {
    expect([1, 64, 65, 128].map(strideOf)).to.deep.equal([128, 128, 192, 192]);
  });

  it('every slot lies inside the file and overlaps no other', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 5000 }),
        fc.integer({ min: 1, max: 100_000 }),
        (slots, capacity) => {
          const geometry = geometryOf(slots, capacity);
          expect(geometry.slotStride % 64).to.equal(0);
          expect(geometry.slotStride).to.be.at.least(64 + capacity);
          expect(slotOffset(geometry, slots - 1) + geometry.slotStride).to.equal(geometry.fileBytes);
          expect(slotOffset(geometry, slots)).to.equal(8192);
        },
      ),
    );
  });

  it('a flow file that is too large to be mapped is refused with the sizes', () => {
    const error = thrownBy(() => geometryOf(3, 1_000_000_000));
    expect(error.code).to.equal('TOO_LARGE');
    expect(error.message)
      .to.contain(`${8192 + 3 * 1_000_000_064}`)
      .and.contain(`${LARGEST}`);
    expect(error.facts).to.deep.equal({
      slotCount: 3,
      payloadCapacity: 1_000_000_000,
      fileBytes: 8192 + 3 * 1_000_000_064,
      limitBytes: LARGEST,
    });
    expect(geometryOf(2, 1_000_000_000).fileBytes).to.be.below(LARGEST);
  });

  for (const [slots, capacity] of [
    [1, 10],
    [2.5, 10],
    [2 ** 20 + 1, 1],
    [Number.NaN, 1],
    [2, 0],
    [2, -1],
    [2, 1.5],
    [2, Number.POSITIVE_INFINITY],
  ] as const) {
    it(`a flow file of ${slots} slots of ${capacity} bytes is refused`, () => {
      expect(thrownBy(() => geometryOf(slots, capacity)).code).to.equal('BAD_OPTION');
    });
  }

  it('a memory budget gives as many slots as fit, within the limits', () => {
    expect(slotsForBudget(1000, 8192 + 10 * strideOf(1000), 2, 64)).to.equal(10);
    expect(slotsForBudget(1000, 0, 2, 64)).to.equal(2);
    expect(slotsForBudget(1000, 1e9, 2, 64)).to.equal(64);
  });
});
