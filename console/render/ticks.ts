/** Where an axis gets its marks, and what stands beside them. */

/** A step that float error has pushed just above a nice one is that nice one. */
const TOLERANCE = 1e-9;
const LONGEST_FRACTION_DIGITS = 6;
const LARGEST_PLAIN_NUMBER = 1e7;
const MOST_EXPONENT_DIGITS = 15;

export interface Ticks {
  readonly values: readonly number[];
  /**
   * Distance of two ticks in axis units: 1, 2 or 5 times a power of ten. 0 when there are no ticks.
   */
  readonly step: number;
}

const NO_TICKS: Ticks = { values: [], step: 0 };

/**
 * About `most` round values (never more than `most` + 1) from `from` to `to`, both included.
 * `leastStep` keeps whole things (counts) from getting fractional ticks. No ticks for an interval
 * that is empty, reversed or not finite.
 */
export function niceTicks(from: number, to: number, most: number, leastStep = 0): Ticks {
  const span = to - from;
  if (!(span > 0) || !Number.isFinite(span) || !(most >= 1)) return NO_TICKS;
  const step = niceStep(Math.max(span / Math.floor(most), leastStep));
  const first = Math.ceil(from / step - TOLERANCE);
  const last = Math.floor(to / step + TOLERANCE);
  if (!(step > 0) || !Number.isSafeInteger(first) || !Number.isSafeInteger(last)) return NO_TICKS;
  const values: number[] = [];
  for (let index = first; index <= last && values.length <= most; index += 1) values.push(index * step + 0);
  return { values, step };
}

/** The smallest of 1, 2, 5, 10 times a power of ten that is not below `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const nice = [1, 2, 5].find((factor) => least <= factor * power * (1 + TOLERANCE)) ?? 10;
  return nice * power;
}

/** A round number not below `value` (> 0), close enough to it that little of a plot stays empty. */
export function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const factors = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8];
  const factor = factors.find((candidate) => value <= candidate * power * (1 + TOLERANCE)) ?? 10;
  return factor * power;
}

/** A value of an axis with the digits that a distance of `step` can tell apart. */
export function formatAxisValue(value: number, step: number): string {
  if (value === 0) return '0';
  if (!Number.isFinite(value) || !(step > 0)) return String(value);
  const exponentOfStep = Math.floor(Math.log10(step) + TOLERANCE);
  const size = Math.abs(value);
  if (-exponentOfStep <= LONGEST_FRACTION_DIGITS && size < LARGEST_PLAIN_NUMBER) {
    return withoutNegativeZero(value.toFixed(Math.max(0, -exponentOfStep)));
  }
  const digits = Math.floor(Math.log10(size)) - exponentOfStep;
  return value.toExponential(Math.min(MOST_EXPONENT_DIGITS, Math.max(0, digits))).replace('e+', 'e');
}

function withoutNegativeZero(text: string): string {
  return /^-[0.]+$/.test(text) ? text.slice(1) : text;
}
