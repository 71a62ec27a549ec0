/**
 * The energy at a place of a calibrated axis. Used by page and server, apart from the calculation
 * of the calibration, which needs more code. Pure.
 */

/** The sum of coefficients[n]·positionⁿ. */
export function energyAt(coefficients: readonly number[], position: number): number {
  return coefficients.reduceRight((sum, coefficient) => sum * position + coefficient, 0);
}
