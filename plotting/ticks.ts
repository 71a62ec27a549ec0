/**
 * Places round tick values on a linear axis and formats their labels.
 *
 * The console's plots and the web page's canvases call these functions for axes in channels, in
 * physical units and in counts. Pure: no I/O.
 */

/** Relative tolerance: a step that rounding errors push just above a round one equals it. */
const TOLERANCE = 1e-9;
/** Digits after the decimal point; smaller steps are written with an exponent. */
const FRACTION_DIGITS_MAX = 6;
/** From this size on, values are written with an exponent. */
const PLAIN_NUMBER_MAX = 1e7;
/** Digits after the decimal point of a number with an exponent: what a double distinguishes. */
const EXPONENT_DIGITS_MAX = 15;

/** Ratios of axis tops to a power of ten: dense enough that little of a plot stays empty. */
const CEILING_FACTORS = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8];

export interface Ticks {
  readonly values: readonly number[];
  /**
   * Distance of two ticks in axis units: 1, 2 or 5 times a power of ten. 0 when there are no ticks.
   */
  readonly step: number;
}

export interface LabelledTick {
  /** In axis units. */
  readonly value: number;
  readonly label: string;
}

const NO_TICKS: Ticks = { values: [], step: 0 };

/**
 * About `most` round values (never more than `most` + 1) from `from` to `to`, both included.
 * A `leastStep` of 1 keeps an axis of counts free of fractional ticks. Returns no ticks for an
 * interval that is empty, reversed or not finite.
 */
export function niceTicks(from: number, to: number, most: number, leastStep = 0): Ticks {
  const span = to - from;
  if (!(span > 0) || !Number.isFinite(span) || !(most >= 1)) return NO_TICKS;
  const step = niceStep(Math.max(span / Math.floor(most), leastStep));
  const first = Math.ceil(from / step - TOLERANCE);
  const last = Math.floor(to / step + TOLERANCE);
  if (!(step > 0) || !Number.isSafeInteger(first) || !Number.isSafeInteger(last)) return NO_TICKS;
  const values: number[] = [];
  // Adding 0 turns -0 into 0.
  for (let index = first; index <= last && values.length <= most; index += 1) values.push(index * step + 0);
  return { values, step };
}

/** `niceTicks` with a label for each value, all in one notation. */
export function labelledTicks(from: number, to: number, most: number): LabelledTick[] {
  const { values, step } = niceTicks(from, to, most);
  const largest = Math.max(...values.map(Math.abs));
  return values.map((value) => ({ value, label: formatAxisValue(value, step, largest) }));
}

/** The smallest of 1, 2, 5, 10 times a power of ten that is not below `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5].find((candidate) => least <= candidate * power * (1 + TOLERANCE)) ?? 10;
  return factor * power;
}

/** A round number at or closely above `value` (> 0), for the top of an axis. */
export function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = CEILING_FACTORS.find((candidate) => value <= candidate * power * (1 + TOLERANCE)) ?? 10;
  return factor * power;
}

/**
 * An axis value with as many digits as it takes to distinguish values `step` axis units apart.
 * `largest`: size of the largest value of the axis, which decides on the notation of all.
 */
export function formatAxisValue(value: number, step: number, largest = Math.abs(value)): string {
  if (value === 0) return '0';
  if (!Number.isFinite(value) || !(step > 0)) return String(value);
  const exponentOfStep = Math.floor(Math.log10(step) + TOLERANCE);
  const size = Math.abs(value);
  if (-exponentOfStep <= FRACTION_DIGITS_MAX && largest < PLAIN_NUMBER_MAX) {
    return withoutNegativeZero(value.toFixed(Math.max(0, -exponentOfStep)));
  }
  const digits = Math.floor(Math.log10(size)) - exponentOfStep;
  return value.toExponential(Math.min(EXPONENT_DIGITS_MAX, Math.max(0, digits))).replace('e+', 'e');
}

function withoutNegativeZero(text: string): string {
  return /^-[0.]+$/.test(text) ? text.slice(1) : text;
}
