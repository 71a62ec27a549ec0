import { expect } from 'chai';
import { chiSquareProbability } from '../../../analysis/numerics/chi-square.js';
import { erfc, normalIntegral, scaledErfc } from '../../../analysis/numerics/error-function.js';

describe('special functions of the analysis', () => {
  it('erfc agrees with tabulated values to 14 digits', () => {
    for (const [x, value] of [
      [-1, 1.8427007929497148],
      [0.1, 0.8875370839817152],
      [0.3, 0.6713732405408726],
      [1, 0.15729920705028513],
      [3, 2.209049699858544e-5],
      [5, 1.5374597944280349e-12],
    ] as const) {
      expect(erfc(x) / value).to.be.closeTo(1, 1e-14);
    }
  });

  it('the scaled erfc continues where erfc vanishes', () => {
    // The asymptotic series of exp(x²)·erfc(x).
    const x = 50;
    const series = (1 - 1 / (2 * x ** 2) + 3 / (4 * x ** 4)) / (x * Math.sqrt(Math.PI));
    expect(scaledErfc(x) / series).to.be.closeTo(1, 1e-9);
    expect(erfc(x)).to.equal(0);
  });

  it('the integral of the normal distribution is one half at 0 and symmetric', () => {
    expect(normalIntegral(0)).to.equal(0.5);
    expect(normalIntegral(1.5) + normalIntegral(-1.5)).to.be.closeTo(1, 1e-15);
  });

  it('the probability of χ² agrees with tabulated quantiles', () => {
    expect(chiSquareProbability(3.841458820694124, 1)).to.be.closeTo(0.05, 1e-12);
    expect(chiSquareProbability(18.307038053275146, 10)).to.be.closeTo(0.05, 1e-12);
    expect(chiSquareProbability(124.3421134, 100)).to.be.closeTo(0.05, 1e-8);
    expect(chiSquareProbability(0, 5)).to.equal(1);
    expect(chiSquareProbability(3, 0)).to.be.NaN;
  });
});
