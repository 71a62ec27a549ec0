/**
 * The calibration of an axis by peaks of known energy: a straight line or a parabola by least
 * squares. The page and the web server call it. Pure.
 */
import { Matrix } from 'ml-matrix';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { covarianceOf } from '../fit/likelihood.js';
import { chiSquareProbability } from '../numerics/chi-square.js';

export interface CalibrationPoint {
  /** Where the peak is, in units of the spectrum's own axis. */
  readonly position: number;
  /** Standard deviation of the position; 0 or left out: all points weigh the same. */
  readonly error?: number;
  /** The known energy of the peak. */
  readonly energy: number;
}

export interface Calibration {
  /** energy = coefficients[0] + coefficients[1]·x + coefficients[2]·x². */
  readonly coefficients: readonly number[];
  readonly errors: readonly number[];
  /** Energy of each point less the calibrated one. */
  readonly residuals: readonly number[];
  /** χ² of the points with the errors of their positions, where all have one. */
  readonly chiSquare?: number;
  readonly pValue?: number;
}

export const CALIBRATION_POINTS_MAX = 64;

/** `degree` 1 or 2 needs as many points and one more. Throws BAD_OPTION. */
export function calibrate(points: readonly CalibrationPoint[], degree: 1 | 2): Calibration {
  checkPoints(points, degree);
  const weighted = points.every(({ error }) => error !== undefined && error > 0);
  // The slope turns an error of the position into one of the energy; the second pass has it.
  let slopes = points.map(() => 1);
  let solution = leastSquares(points, degree, weighted, slopes);
  if (weighted) {
    slopes = points.map(({ position }) => derivativeAt(solution.coefficients, position));
    solution = leastSquares(points, degree, weighted, slopes);
  }
  const { coefficients, covariance } = solution;
  const residuals = points.map(({ position, energy }) => energy - energyAt(coefficients, position));
  const chiSquare = points.reduce((sum, { error = 1 }, index) => {
    return sum + (residuals[index]! / (weighted ? error * slopes[index]! : 1)) ** 2;
  }, 0);
  const freedom = points.length - degree - 1;
  // Without errors of the points their scatter says how large they are.
  const scale = weighted ? 1 : freedom > 0 ? chiSquare / freedom : 0;
  return {
    coefficients,
    errors: covariance.diagonal().map((variance) => Math.sqrt(variance * scale)),
    residuals,
    ...(weighted && freedom > 0 ? { chiSquare, pValue: chiSquareProbability(chiSquare, freedom) } : {}),
  };
}

/** The energy at a place of the spectrum's own axis. */
export function energyAt(coefficients: readonly number[], position: number): number {
  return coefficients.reduceRight((sum, coefficient) => sum * position + coefficient, 0);
}

function derivativeAt(coefficients: readonly number[], position: number): number {
  return (coefficients[1] ?? 0) + 2 * (coefficients[2] ?? 0) * position;
}

function leastSquares(
  points: readonly CalibrationPoint[],
  degree: number,
  weighted: boolean,
  slopes: readonly number[],
): { coefficients: number[]; covariance: Matrix } {
  const design = new Matrix(points.length, degree + 1);
  const right = new Matrix(points.length, 1);
  points.forEach(({ position, energy, error = 1 }, row) => {
    const weight = weighted ? 1 / (error * Math.abs(slopes[row]! || 1)) : 1;
    for (let power = 0; power <= degree; power += 1) design.set(row, power, weight * position ** power);
    right.set(row, 0, weight * energy);
  });
  const transposed = design.transpose();
  const places = new Set(points.map(({ position }) => position)).size;
  const covariance = places > degree ? covarianceOf(symmetric(transposed.mmul(design))) : undefined;
  if (covariance === undefined) {
    throw new MirrorflowError(
      'BAD_OPTION',
      'the points do not determine a calibration: their positions must differ',
    );
  }
  return { coefficients: covariance.mmul(transposed.mmul(right)).to1DArray(), covariance };
}

/** Rounding makes a product unsymmetrical. */
function symmetric(matrix: Matrix): Matrix {
  return Matrix.add(matrix, matrix.transpose()).div(2);
}

function checkPoints(points: readonly CalibrationPoint[], degree: number): void {
  const bad = points.find(({ position, energy }) => !Number.isFinite(position) || !Number.isFinite(energy));
  if (bad !== undefined) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `a calibration takes numbers; found position ${bad.position} with energy ${bad.energy}`,
    );
  }
  if (points.length < degree + 1 || points.length > CALIBRATION_POINTS_MAX) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `a calibration of degree ${degree} takes ${degree + 1} to ${CALIBRATION_POINTS_MAX} points; found ${points.length}`,
      { points: points.length, degree },
    );
  }
}
