/** Round tick values and their labels. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  formatAxisValue,
  labelledTicks,
  logTicks,
  minorLogTicks,
  minorTicks,
  niceCeiling,
  niceTicks,
} from '../../plotting/ticks.js';

describe('ticks of an axis', () => {
  it('all labels of an axis have one notation', () => {
    expect(labelledTicks(0, 2e7, 4).map(({ label }) => label)).to.deep.equal([
      '0',
      '5e6',
      '1.0e7',
      '1.5e7',
      '2.0e7',
    ]);
    expect(labelledTicks(0, 9e6, 4).map(({ label }) => label)).to.deep.equal(['0', '5000000']);
  });
  it('tick steps are 1, 2 or 5 times a power of ten', () => {
    expect(niceTicks(0, 1, 5)).to.deep.equal({
      values: [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1],
      step: 0.2,
    });
    expect(niceTicks(0, 2000, 4)).to.deep.equal({ values: [0, 500, 1000, 1500, 2000], step: 500 });
    expect(niceTicks(-3.5, 3.5, 4).values).to.deep.equal([-2, 0, 2]);
  });
  it('an axis of counts has no fractional ticks', () => {
    expect(niceTicks(0, 2, 10, 1).values).to.deep.equal([0, 1, 2]);
  });
  it('an axis that is empty, reversed or not finite has no ticks', () => {
    for (const [from, to] of [
      [1, 1],
      [2, 1],
      [Number.NaN, 1],
      [0, Number.POSITIVE_INFINITY],
      [-1e308, 1e308],
    ] as const) {
      expect(niceTicks(from, to, 5).values).to.deep.equal([]);
    }
  });
  it('tick labels have the digits of the step and no more', () => {
    expect(formatAxisValue(0.6000000000000001, 0.2)).to.equal('0.6');
    expect(formatAxisValue(1500, 500)).to.equal('1500');
    expect(formatAxisValue(-0.0001, 0.1)).to.equal('0.0');
    expect(formatAxisValue(1.5e9, 5e8)).to.equal('1.5e9');
    expect(formatAxisValue(2e-9, 1e-9)).to.equal('2e-9');
  });
  it('every tick of an axis has its value and its label', () => {
    expect(labelledTicks(-150, 350, 5)).to.deep.equal(
      [-100, 0, 100, 200, 300].map((value) => ({ value, label: String(value) })),
    );
    expect(labelledTicks(0, 1, 5).map(({ label }) => label)).to.deep.equal([
      '0',
      '0.2',
      '0.4',
      '0.6',
      '0.8',
      '1.0',
    ]);
  });
  it('the ceiling of a value is round and close to it', () => {
    expect([0.03, 1, 7, 11, 231, 1000, 1001].map(niceCeiling)).to.deep.equal([
      0.03, 1, 8, 12, 250, 1000, 1200,
    ]);
  });
  it('ticks are few, in ascending order and inside the axis', () => {
    fc.assert(
      fc.property(
        fc.float({ noNaN: true, noDefaultInfinity: true }),
        fc.float({ noNaN: true, noDefaultInfinity: true }),
        fc.integer({ min: 1, max: 30 }),
        (a, b, most) => {
          const [from, to] = [Math.min(a, b), Math.max(a, b)];
          const { values, step } = niceTicks(from, to, most);
          expect(values.length).to.be.at.most(most + 1);
          for (const [index, value] of values.entries()) {
            expect(value).to.be.within(from - step * 1e-6, to + step * 1e-6);
            if (index > 0) expect(value).to.be.above(values[index - 1]!);
          }
        },
      ),
    );
  });
  it('minor ticks lie between the ticks, at fifths or quarters of a step', () => {
    const minor = (from: number, to: number, most: number): number[] =>
      minorTicks(from, to, niceTicks(from, to, most)).map((value) => Number(value.toPrecision(6)));
    expect(minor(0, 10, 2)).to.deep.equal([1, 2, 3, 4, 6, 7, 8, 9]);
    expect(minor(0, 4, 2)).to.deep.equal([0.5, 1, 1.5, 2.5, 3, 3.5]);
    expect(minor(-1, 1, 2)).to.deep.equal([-0.8, -0.6, -0.4, -0.2, 0.2, 0.4, 0.6, 0.8]);
    expect(minor(1, 1, 2)).to.deep.equal([]);
  });
  it('logarithmic ticks stay within the range, and are linear within a part of a decade', () => {
    expect(logTicks(3, 2_000, 4)).to.deep.equal([10, 100, 1000]);
    expect(logTicks(3, 300, 10)).to.deep.equal([5, 10, 20, 50, 100, 200]);
    expect(logTicks(1, 1e12, 4)).to.deep.equal([1, 1e4, 1e8, 1e12]);
    expect(logTicks(60, 90, 4)).to.deep.equal([60, 70, 80, 90]);
    expect([logTicks(0, 10, 4), logTicks(-1, 1, 4), logTicks(2, 1, 4)]).to.deep.equal([[], [], []]);
    expect(minorLogTicks(7, 30)).to.deep.equal([7, 8, 9, 20, 30]);
  });
});
