/**
 * Which calibrations of spectra are kept for all pages. `Applications` owns the only store
 * (`app-records.ts`), `analysis-requests.ts` changes it. Pure.
 */
import type { AxisCalibration } from '../wire/spectrum-info.js';
import type { RecordKind } from './app-records.js';

const COEFFICIENTS_MAX = 3;
const UNIT_CHARACTERS_MAX = 16;

/** By name of the spectrum. */
export const CALIBRATIONS: RecordKind<AxisCalibration> = {
  plural: 'calibrations',
  recordsMax: 1_000,
  isValid: isCalibration,
};

function isCalibration(value: unknown): value is AxisCalibration {
  if (typeof value !== 'object' || value === null) return false;
  const { coefficients, unit } = value as Readonly<Record<string, unknown>>;
  return (
    Array.isArray(coefficients) &&
    coefficients.length >= 2 &&
    coefficients.length <= COEFFICIENTS_MAX &&
    coefficients.every((coefficient) => Number.isFinite(coefficient)) &&
    isUnit(unit)
  );
}

export function isUnit(value: unknown): value is string {
  return typeof value === 'string' && value.length <= UNIT_CHARACTERS_MAX;
}
