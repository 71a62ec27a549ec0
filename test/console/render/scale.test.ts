import { expect } from 'chai';
import * as fc from 'fast-check';
import { countScale, SCALE_NAMES } from '../../../console/render/scale.js';

describe('count scales', () => {
  it('zero counts stand at the floor of every scale, one count does not', () => {
    for (const name of SCALE_NAMES) {
      const scale = countScale(name, 100);
      expect(scale.toUnit(0)).to.equal(0);
      expect(scale.toUnit(1)).to.be.above(0);
      expect(scale.toUnit(Number.NaN)).to.equal(0);
      expect(scale.toUnit(1e9)).to.equal(1);
    }
  });
  it('a spectrum without counts has a scale', () => {
    for (const name of SCALE_NAMES) expect(countScale(name, 0).top).to.equal(1);
  });
  it('square roots of counts are evenly spaced', () => {
    expect(countScale('sqrt', 100).toUnit(25)).to.equal(0.5);
  });
  it('logarithmic ticks are powers of ten, with 2 and 5 where there is room', () => {
    const labels = (most: number): string[] =>
      countScale('log', 100)
        .ticks(most)
        .map((tick) => tick.label);
    expect(labels(4)).to.deep.equal(['0', '1', '10', '100']);
    expect(labels(9)).to.deep.equal(['0', '1', '2', '5', '10', '20', '50', '100']);
    expect(labels(2)).to.deep.equal(['0', '1', '100']);
  });
  it('scales rise, stay within 0 and 1, and can be read backwards', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SCALE_NAMES),
        fc.integer({ min: 1, max: 0xffffffff }),
        fc.nat(0xffffffff),
        fc.nat(0xffffffff),
        (name, max, a, b) => {
          const scale = countScale(name, max);
          const [low, high] = [scale.toUnit(Math.min(a, b)), scale.toUnit(Math.max(a, b))];
          expect(low).to.be.within(0, 1);
          expect(high).to.be.within(low, 1);
          expect(scale.top).to.be.at.least(max);
          const back = scale.toCount(scale.toUnit(max));
          expect(Math.abs(back - max)).to.be.at.most(max * 1e-6);
        },
      ),
    );
  });
});
