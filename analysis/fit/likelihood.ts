/**
 * The likelihood of Poisson counts: the deviance of a model, the expected information of its
 * parameters and their covariance. Used by the minimiser and by what evaluates a fit. Pure.
 *
 * The deviance is 2·Σ[μ − n + n·ln(n/μ)], twice the logarithm of the likelihood ratio to the model
 * that has every count exactly (Baker and Cousins, Nucl. Instr. Meth. 221 (1984) 437).
 */
import { CholeskyDecomposition, Matrix } from 'ml-matrix';

/** Infinite where the model expects no counts, or less, in a channel that has some. */
export function poissonDeviance(counts: ArrayLike<number>, expected: Float64Array): number {
  let sum = 0;
  for (let channel = 0; channel < expected.length; channel += 1) {
    const [n, mu] = [counts[channel] ?? 0, expected[channel]!];
    if (!(mu > 0)) {
      if (n === 0 && mu === 0) continue;
      return Number.POSITIVE_INFINITY;
    }
    sum += mu - n + (n > 0 ? n * Math.log(n / mu) : 0);
  }
  return 2 * sum;
}

/** Expected information of the parameters named by `free`: Σ ∂μ/∂a · ∂μ/∂b / μ. */
export function information(
  expected: Float64Array,
  derivatives: readonly Float64Array[],
  free: readonly number[],
): Matrix {
  const matrix = new Matrix(free.length, free.length);
  for (let row = 0; row < free.length; row += 1) {
    const one = derivatives[free[row]!]!;
    for (let column = row; column < free.length; column += 1) {
      const other = derivatives[free[column]!]!;
      let sum = 0;
      for (let channel = 0; channel < expected.length; channel += 1) {
        const mu = expected[channel]!;
        if (mu > 0) sum += (one[channel]! * other[channel]!) / mu;
      }
      matrix.set(row, column, sum);
      matrix.set(column, row, sum);
    }
  }
  return matrix;
}

/** Σ ∂μ/∂a · (n − μ)/μ: minus half the derivative of the deviance. */
export function score(
  counts: ArrayLike<number>,
  expected: Float64Array,
  derivatives: readonly Float64Array[],
  free: readonly number[],
): Float64Array {
  return Float64Array.from(free, (parameter) => {
    const row = derivatives[parameter]!;
    let sum = 0;
    for (let channel = 0; channel < expected.length; channel += 1) {
      const mu = expected[channel]!;
      if (mu > 0) sum += (row[channel]! * ((counts[channel] ?? 0) - mu)) / mu;
    }
    return sum;
  });
}

/**
 * Solves (matrix + damping·diagonal)·x = right, in the scale in which the diagonal is 1; undefined
 * when the matrix is not positive definite.
 */
export function solveScaled(matrix: Matrix, right: Matrix, damping: number): Matrix | undefined {
  const scales = matrix.diagonal().map((value) => (value > 0 ? 1 / Math.sqrt(value) : 0));
  if (scales.includes(0)) return undefined;
  const scaled = new Matrix(matrix.rows, matrix.columns);
  for (let row = 0; row < scales.length; row += 1) {
    for (let column = 0; column < scales.length; column += 1) {
      const value = matrix.get(row, column) * (scales[row]! * scales[column]!);
      scaled.set(row, column, row === column ? 1 + damping : value);
    }
  }
  const decomposition = new CholeskyDecomposition(scaled);
  if (!decomposition.isPositiveDefinite()) return undefined;
  return decomposition.solve(right.clone().mulColumnVector(scales)).mulColumnVector(scales);
}

/** The covariance of the free parameters; undefined where the counts do not determine them. */
export function covarianceOf(matrix: Matrix): Matrix | undefined {
  return solveScaled(matrix, Matrix.eye(matrix.rows), 0);
}
