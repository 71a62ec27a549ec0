/**
 * Formats measured values with their uncertainty: two significant digits of the uncertainty, and
 * the value with the same decimals; digits before the decimal point are never rounded away. Also
 * finds the unit in the label of an axis. Used by the terminal console and the web viewer, so that
 * a figure reads the same in both. Pure: no I/O.
 */

/** Significant digits of an uncertainty; one of 100 or more keeps all its whole digits. */
const ERROR_DIGITS = 2;
/** Significant digits of a value without an uncertainty. */
const VALUE_DIGITS = 6;
/** For uncertainties far below the resolution of the value. */
const DECIMALS_MAX = 12;

export interface MeasuredText {
  /** A hyphen for a value that is not finite. */
  readonly value: string;
  /** Empty without an uncertainty. */
  readonly error: string;
}

/** Both numbers with the same decimals: `1332.50` and `0.12`, `45234` and `312`. */
export function measuredText(value: number, error?: number): MeasuredText {
  if (!Number.isFinite(value)) return { value: '-', error: '' };
  if (error === undefined || !Number.isFinite(error) || error <= 0) {
    return { value: String(Number(value.toPrecision(VALUE_DIGITS))), error: '' };
  }
  const decimals = ERROR_DIGITS - 1 - Math.floor(Math.log10(error));
  const shown = Math.min(DECIMALS_MAX, Math.max(0, decimals));
  return { value: value.toFixed(shown), error: error.toFixed(shown) };
}

/** `1332.50 ± 0.12`; only the value without an uncertainty. */
export function formatMeasured(value: number, error?: number): string {
  const text = measuredText(value, error);
  return text.error === '' ? text.value : `${text.value} ± ${text.error}`;
}

/** The unit in the label of an axis, which is in its last brackets: `keV` of `energy [keV]`. */
export function unitOf(label: string): string {
  return /[[(]([^\])]*)[\])]\s*$/.exec(label)?.[1]?.trim() ?? '';
}
