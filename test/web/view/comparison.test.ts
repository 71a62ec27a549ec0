/** Curves of the spectra of one plot, compared. Pure. */
import { expect } from 'chai';
import {
  comparedCurves,
  comparedNames,
  defaultComparison,
  type Comparison,
} from '../../../web/view/comparison.js';
import { countLimits } from '../../../web/view/count-limits.js';
import { curveOf, valueAt, type Curve, type SpectrumCurve } from '../../../web/view/curve.js';
import { DEFAULT_LOOK } from '../../../web/view/plot-look.js';
import type { Frame } from '../../../web/wire/frame.js';

function curve(values: readonly number[], part: Partial<SpectrumCurve> = {}): SpectrumCurve {
  const sum = values.reduce((one, other) => one + other, 0);
  const plain = { from: 0, group: 1, channel: 1, factor: 1, shift: 0, sum };
  return { ...plain, ...part, values: Float64Array.from(values) };
}

function shown(curve: Curve | undefined): number[] {
  return Array.from(curve?.values ?? [], (value) => value * (curve?.factor ?? 1) + (curve?.shift ?? 0));
}

const compare = (curves: readonly (SpectrumCurve | undefined)[], comparison: Comparison | undefined) =>
  comparedCurves(curves, comparison).map(shown);

describe('comparing spectra', () => {
  const [first, second] = [curve([2, 4, 6]), curve([1, 0, 2])];

  it('without a comparison, and with one spectrum, curves stay as they are', () => {
    expect(compare([first, second], undefined)).to.deep.equal([
      [2, 4, 6],
      [1, 0, 2],
    ]);
    expect(compare([first], defaultComparison('subtract'))).to.deep.equal([[2, 4, 6]]);
  });

  it('normalised spectra have the sum of the first; one without counts stays', () => {
    expect(compare([first, second, curve([0])], defaultComparison('normalise'))).to.deep.equal([
      [2, 4, 6],
      [4, 0, 8],
      [0],
    ]);
  });

  it('raised spectra lie one step higher each', () => {
    expect(compare([first, second, second], { kind: 'offset', amount: 10 })).to.deep.equal([
      [2, 4, 6],
      [11, 10, 12],
      [21, 20, 22],
    ]);
  });

  it('a difference may be negative, and a ratio has a gap where the second has no counts', () => {
    expect(compare([first, second], { kind: 'subtract', amount: 3 })).to.deep.equal([[-1, 4, 0]]);
    expect(compare([first, second], { kind: 'ratio', amount: 2 })).to.deep.equal([[1, Number.NaN, 1.5]]);
    expect(compare([first, undefined], defaultComparison('ratio'))).to.deep.equal([[]]);
  });

  it('a spectrum with channels of another width is compared by counts per width, where both are', () => {
    // Its channels are twice as wide and begin one channel later.
    const wide = curve([10, 20], { from: 1, group: 2, channel: 2 });
    const result = compare([curve([5, 5, 5, 5, 5, 5]), wide], defaultComparison('subtract'));
    expect(result).to.deep.equal([[Number.NaN, 0, 0, -5, -5, Number.NaN]]);
  });

  it('rates are compared as rates', () => {
    const rate = curve([20, 40, 60], { factor: 0.1 });
    expect(compare([rate, curve([1, 2, 3])], defaultComparison('subtract'))).to.deep.equal([[1, 2, 3]]);
  });

  it('titles say what is compared, and with which factor', () => {
    const names = ['a', 'b', 'c'];
    expect(comparedNames(names, undefined)).to.deep.equal(names);
    expect(comparedNames(names, defaultComparison('normalise'))[1]).to.equal('b (normalised)');
    expect(comparedNames(names, { kind: 'offset', amount: 5 })).to.deep.equal(['a', 'b + 5', 'c + 10']);
    expect(comparedNames(names, { kind: 'subtract', amount: 2 })).to.deep.equal(['a − 2 × b']);
    expect(comparedNames(names, defaultComparison('ratio'))).to.deep.equal(['a ÷ b']);
    expect(comparedNames(['a'], defaultComparison('ratio'))).to.deep.equal(['a']);
  });

  it('the curve of a frame has the visible values and their channels', () => {
    const head = { x: [10, 18], xgroup: 2, sum: 99 } as unknown as Frame['head'];
    const frame = { id: 1, head, values: Uint8Array.of(1, 2, 3, 4) };
    const visible = curveOf(frame, [13, 15], { scale: 1, offset: 0 });
    expect(visible).to.include({ from: 12, group: 2, channel: 1, sum: 99 });
    expect(shown(visible)).to.deep.equal([2, 3]);
    expect(valueAt(visible, 13.5)).to.equal(2);
    expect(valueAt(visible, 16.5)).to.equal(undefined);
  });
});

describe('the axis of counts', () => {
  it('the axis of counts has round limits around what is visible, and room below zero for differences', () => {
    expect(countLimits([curve([90])], 'linear', DEFAULT_LOOK)).to.deep.equal({
      bottom: 0,
      top: 100,
      highest: 90,
    });
    const difference = [curve([-4, 90])];
    expect(countLimits(difference, 'linear', DEFAULT_LOOK)).to.include({ bottom: -5, top: 100 });
    expect(countLimits([curve([-4])], 'linear', DEFAULT_LOOK)).to.include({ bottom: -5, top: 0 });
    expect(countLimits([undefined], 'linear', DEFAULT_LOOK)).to.include({ bottom: 0, top: 1 });
  });

  it('the axis of counts has the typed limits, unless the lower limit is above the upper one', () => {
    const limits = (low?: number, high?: number) => countLimits([curve([90])], 'linear', { low, high });
    expect(limits(5, 20)).to.include({ bottom: 5, top: 20 });
    expect(limits(50)).to.include({ bottom: 50, top: 100 });
    expect(limits(20, 5)).to.include({ bottom: 0, top: 5 });
  });

  it('the logarithmic axis of a ratio reaches down to the lowest ratio', () => {
    const ratio = [curve([0.02, 3, Number.NaN])];
    expect(countLimits(ratio, 'log', DEFAULT_LOOK, true)).to.include({ bottom: 0.01, highest: 3 });
    expect(countLimits(ratio, 'linear', DEFAULT_LOOK, true)).to.include({ bottom: 0 });
  });
});
