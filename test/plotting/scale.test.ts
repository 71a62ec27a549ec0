/** Linear, logarithmic and square root scales of counts. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { countAxisTop, countScale, SCALE_NAMES } from '../../plotting/scale.js';

describe('count scales', () => {
  it('on every scale zero counts are at the bottom and one count is above it', () => {
    for (const name of SCALE_NAMES) {
      const scale = countScale(name, 100);
      expect(scale.toUnit(0)).to.equal(0);
      expect(scale.toUnit(1)).to.be.above(0);
      expect(scale.toUnit(Number.NaN)).to.equal(0);
      expect(scale.toUnit(1e9)).to.equal(1);
    }
  });
  it('the top of an axis is a round count at or above the maximum, 1 without counts', () => {
    expect([0, Number.NaN, Number.POSITIVE_INFINITY, 1, 231, 1001].map(countAxisTop)).to.deep.equal([
      1, 1, 1, 1, 250, 1200,
    ]);
  });
  it('a scale without a usable top ends at 1', () => {
    for (const name of SCALE_NAMES) {
      for (const top of [0, -5, Number.NaN]) expect(countScale(name, top).top).to.equal(1);
    }
  });
  it('the top of a scale is exactly the count it was given', () => {
    for (const name of SCALE_NAMES) {
      const { toUnit } = countScale(name, 1_234);
      expect(toUnit(1_234)).to.equal(1);
      expect(toUnit(1_233)).to.be.below(1);
    }
  });
  it('a square-root scale spaces the square roots of counts evenly', () => {
    expect(countScale('sqrt', 100).toUnit(25)).to.equal(0.5);
  });
  it('logarithmic ticks are powers of ten, with 2 and 5 between them where there is room', () => {
    const labels = (most: number): string[] =>
      countScale('log', 100)
        .ticks(most)
        .map((tick) => tick.label);
    expect(labels(4)).to.deep.equal(['0', '1', '10', '100']);
    expect(labels(9)).to.deep.equal(['0', '1', '2', '5', '10', '20', '50', '100']);
    expect(labels(2)).to.deep.equal(['0', '1', '100']);
  });
  it('all labels of a linear or square root scale have one SI prefix, and none below ten thousand', () => {
    const labels = (name: 'linear' | 'sqrt', top: number): string[] =>
      countScale(name, top)
        .ticks(4)
        .map(({ label }) => label);
    expect(labels('linear', 1_500)).to.deep.equal(['0', '500', '1000', '1500']);
    expect(labels('linear', 12_000)).to.deep.equal(['0', '5k', '10k']);
    expect(labels('linear', 1_500_000)).to.deep.equal(['0', '0.5M', '1.0M', '1.5M']);
    expect(labels('sqrt', 40_000)).to.deep.equal(['0', '10k', '20k', '30k', '40k']);
    expect(labels('linear', 0.4)).to.deep.equal(['0', '0.1', '0.2', '0.3', '0.4']);
  });
  it('a logarithmic scale has plain labels up to ten thousand, and ticks between the powers of ten', () => {
    const scale = countScale('log', 20_000);
    expect(scale.ticks(5).map(({ label }) => label)).to.deep.equal(['0', '1', '10', '100', '1000', '10000']);
    expect(scale.minorTicks).to.have.length(4 * 8 + 1);
    expect(scale.minorTicks[0]).to.equal(scale.toUnit(2));
    expect(scale.minorTicks.at(-1)).to.equal(1);
    expect(countScale('linear', 20_000).minorTicks).to.deep.equal([]);
  });
  it('every scale rises from 0 to 1 and can be inverted', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SCALE_NAMES),
        fc.integer({ min: 1, max: 0xffffffff }),
        fc.nat(0xffffffff),
        fc.nat(0xffffffff),
        (name, max, a, b) => {
          const scale = countScale(name, countAxisTop(max));
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
  it('a scale with limits begins at the bottom and ends at the top, also below zero', () => {
    for (const name of ['linear', 'sqrt'] as const) {
      const scale = countScale(name, 100, -25);
      expect([-30, -25, 100, 101].map(scale.toUnit)).to.deep.equal([0, 0, 1, 1]);
      expect(scale.toCount(scale.toUnit(-9))).to.be.closeTo(-9, 1e-9);
      expect(scale.ticks(5).map(({ count }) => count)).to.include(0);
    }
    expect(countScale('sqrt', 16, -4).toUnit(0)).to.be.closeTo(1 / 3, 1e-12);
    expect(countScale('linear', 5, 5)).to.include({ bottom: 5, top: 6 });
  });
  it('a logarithmic scale with a bottom above zero has its ticks from there on', () => {
    const scale = countScale('log', 1_000, 0.01);
    expect(scale.toUnit(0.01)).to.equal(0);
    expect(scale.ticks(6).map(({ label }) => label)).to.deep.equal(['0.01', '0.1', '1', '10', '100', '1000']);
    expect(
      countScale('log', 90, 60)
        .ticks(4)
        .map(({ count }) => count),
    ).to.deep.equal([60, 70, 80, 90]);
    expect(countScale('log', 100, -5).toUnit(1)).to.equal(countScale('log', 100).toUnit(1));
  });
});
