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

/**
 * Places between the ticks of `niceTicks`, without those of the ticks themselves: fifths of a step,
 * quarters where the step begins with 2.
 */
export function minorTicks(from: number, to: number, { values, step }: Ticks): number[] {
  if (values.length === 0) return [];
  const mantissa = step / 10 ** Math.floor(Math.log10(step) + TOLERANCE);
  const parts = Math.round(mantissa) === 2 ? 4 : 5;
  const minor = step / parts;
  const [first, last] = [Math.ceil(from / minor - TOLERANCE), Math.floor(to / minor + TOLERANCE)];
  const places: number[] = [];
  for (let index = first; index <= last; index += 1) if (index % parts !== 0) places.push(index * minor);
  return places;
}

/**
 * Ticks of a logarithmic axis from `from` (above 0) to `to`: powers of ten, with 2 and 5 between
 * them where `most` allows, thinned where there are too many. Within less than a power of ten they
 * are those of a linear axis.
 */
export function logTicks(from: number, to: number, most: number): number[] {
  if (!(from > 0) || !(to >= from) || !Number.isFinite(to)) return [];
  const decades = decadesBetween(from, to);
  const inside = (value: number): boolean => value >= from * (1 - TOLERANCE) && value <= to * (1 + TOLERANCE);
  if (decades.length * 3 <= most) {
    const values = [Math.floor(Math.log10(from)), ...decades].flatMap((exponent) =>
      [1, 2, 5].map((factor) => factor * 10 ** exponent),
    );
    const shown = [...new Set(values)].filter(inside);
    return shown.length >= 2 || to === from ? shown : [...niceTicks(from, to, most).values];
  }
  const stride = Math.max(1, Math.ceil(decades.length / Math.max(1, most)));
  return decades.filter((_, index) => index % stride === 0).map((exponent) => 10 ** exponent);
}

/** 2 to 9 times each power of ten of a logarithmic axis, from `from` (above 0) to `to`. */
export function minorLogTicks(from: number, to: number): number[] {
  if (!(from > 0) || !(to > from) || !Number.isFinite(to)) return [];
  const values: number[] = [];
  for (let exponent = Math.floor(Math.log10(from)); exponent <= Math.log10(to); exponent += 1) {
    for (let factor = 2; factor <= 9; factor += 1) {
      const value = factor * 10 ** exponent;
      if (value >= from && value <= to) values.push(value);
    }
  }
  return values;
}

/** The exponents of the powers of ten within a range. */
function decadesBetween(from: number, to: number): number[] {
  const first = Math.ceil(Math.log10(from) - TOLERANCE);
  const last = Math.floor(Math.log10(to) + TOLERANCE);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
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
