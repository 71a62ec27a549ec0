import { expect } from 'chai';
import { calibrate, energyAt } from '../../../analysis/calibration/calibrate.js';

describe('the calibration of an axis', () => {
  it('two points give the straight line through them', () => {
    const { coefficients, residuals } = calibrate(
      [
        { position: 100, energy: 121.8 },
        { position: 1_100, energy: 1408 },
      ],
      1,
    );
    expect(energyAt(coefficients, 100)).to.be.closeTo(121.8, 1e-9);
    expect(energyAt(coefficients, 600)).to.be.closeTo((121.8 + 1408) / 2, 1e-9);
    expect(residuals.map(Math.abs).every((residual) => residual < 1e-9)).to.be.true;
  });

  it('points of a parabola give its coefficients, and χ² says that a line does not fit them', () => {
    const truth = [3, 0.5, 1e-5];
    const points = [50, 400, 1_100, 2_000, 3_900].map((position) => {
      return { position, error: 0.02, energy: energyAt(truth, position) };
    });
    const parabola = calibrate(points, 2);
    truth.forEach((coefficient, power) => {
      expect(parabola.coefficients[power]! / coefficient).to.be.closeTo(1, 1e-6);
    });
    expect(parabola.pValue).to.be.closeTo(1, 1e-6);
    expect(calibrate(points, 1).pValue).to.be.below(1e-6);
  });

  it('too few points, equal positions and values that are no numbers are refused', () => {
    const point = { position: 1, energy: 1 };
    expect(() => calibrate([point], 1)).to.throw('takes 2 to 64 points; found 1');
    expect(() => calibrate([point, point], 1)).to.throw('their positions must differ');
    expect(() => calibrate([point, { position: Number.NaN, energy: 2 }], 1)).to.throw('takes numbers');
  });
});
