/**
 * Count scales: map counts to a share (0 to 1) of a plot's height or colour range, and back.
 *
 * A scale is linear, logarithmic or square root. The console's histograms and heat maps and the web
 * page's plots, heat maps, colour keys and thumbnails build theirs here. Pure: no I/O.
 */
import { siPrefix } from './numbers.js';
import { formatAxisValue, logTicks, minorLogTicks, niceCeiling, niceTicks } from './ticks.js';

export const SCALE_NAMES = ['linear', 'log', 'sqrt'] as const;
export type ScaleName = (typeof SCALE_NAMES)[number];

/**
 * Count at the bottom of a logarithmic scale, which has no place for 0. It is below 1, so that a
 * single count already has a height.
 */
const LOG_FLOOR_COUNTS = 0.5;

/** Tops below are written without an SI prefix, on a logarithmic scale below the second. */
const PLAIN_TOP = { power: 1e4, log: 1e5 };

export interface CountTick {
  /** Position, 0 (bottom) to 1 (top). */
  readonly at: number;
  /** The count at the position; 0 at the bottom of a logarithmic scale. */
  readonly count: number;
  /** All labels of a linear or square root scale have the same SI prefix. */
  readonly label: string;
}

export interface CountScale {
  readonly name: ScaleName;
  /** The counts at position 0, and at position 1. */
  readonly bottom: number;
  readonly top: number;
  /**
   * Position of a count, 0 to 1: counts below `bottom` and NaN are at 0, counts above `top` at 1.
   */
  readonly toUnit: (count: number) => number;
  /** The count at a position of 0 to 1. */
  readonly toCount: (unit: number) => number;
  /** About `most` ticks, from the bottom up, the bottom among them. */
  readonly ticks: (most: number) => readonly CountTick[];
  /** Positions between the powers of ten of a logarithmic scale; none on the others. */
  readonly minorTicks: readonly number[];
}

/**
 * A round count at or above `max`: as the top of a scale it does not move with every new count. 1
 * for a maximum that is not above 0 or not finite.
 */
export function countAxisTop(max: number): number {
  return max > 0 && Number.isFinite(max) ? niceCeiling(max) : 1;
}

/**
 * A scale for counts from `bottom` to `top`. A bottom that is not finite becomes 0; a top that is
 * not above the bottom or not finite becomes one above it. A logarithmic scale has no place for 0
 * and less: with a bottom of at most 0 it begins below one count and has a top of at least 1.
 */
export function countScale(name: ScaleName, top: number, bottom = 0): CountScale {
  const usableBottom = Number.isFinite(bottom) ? bottom : 0;
  const usableTop = top > usableBottom && Number.isFinite(top) ? top : usableBottom + 1;
  if (name !== 'log') return powerScale(name, usableBottom, usableTop, POWERS[name]);
  return usableBottom > 0
    ? logScale(usableBottom, usableTop, usableBottom)
    : logScale(0, Math.max(1, usableTop), LOG_FLOOR_COUNTS);
}

/** A function that rises from counts to heights, and its inverse. */
interface PowerFunction {
  readonly height: (count: number) => number;
  readonly count: (height: number) => number;
}

const POWERS: Readonly<Record<Exclude<ScaleName, 'log'>, PowerFunction>> = {
  linear: { height: (count) => count, count: (height) => height },
  // Differences may be negative.
  sqrt: {
    height: (count) => Math.sign(count) * Math.sqrt(Math.abs(count)),
    count: (height) => Math.sign(height) * height * height,
  },
};

function powerScale(name: ScaleName, bottom: number, top: number, power: PowerFunction): CountScale {
  const [lowest, highest] = [power.height(bottom), power.height(top)];
  const toUnit = (count: number): number => clampToUnit((power.height(count) - lowest) / (highest - lowest));
  return {
    name,
    bottom,
    top,
    toUnit,
    toCount: (unit) => power.count(lowest + unit * (highest - lowest)),
    minorTicks: [],
    ticks: (most) => {
      const { values, step } = niceTicks(bottom, top, most, top - bottom >= 1 ? 1 : 0);
      const largest = Math.max(Math.abs(bottom), Math.abs(top));
      const { unit, prefix } = siPrefix(largest < PLAIN_TOP.power ? 1 : largest);
      return values.map((count) => ({
        at: toUnit(count),
        count,
        label: count === 0 ? '0' : `${formatAxisValue(count / unit, step / unit)}${prefix}`,
      }));
    },
  };
}

/** `floor`: the count at position 0, which counts of `bottom` and less have. */
function logScale(bottom: number, top: number, floor: number): CountScale {
  const span = Math.log(top / floor);
  const least = bottom > 0 ? floor : 1;
  const toUnit = (count: number): number => (count > floor ? clampToUnit(Math.log(count / floor) / span) : 0);
  return {
    name: 'log',
    bottom,
    top,
    toUnit,
    toCount: (unit) => floor * Math.exp(unit * span),
    minorTicks: minorLogTicks(least, top).map(toUnit),
    ticks: (most) => [
      ...(bottom > 0 ? [] : [{ at: 0, count: 0, label: '0' }]),
      ...logTicks(least, top, most).map((count) => {
        const { unit, prefix } = siPrefix(top < PLAIN_TOP.log ? 1 : count);
        return { at: toUnit(count), count, label: `${short(count / unit)}${prefix}` };
      }),
    ],
  };
}

/** Powers of ten below 1 have rounding errors. */
function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function clampToUnit(share: number): number {
  // The comparison is false for NaN, which therefore becomes 0.
  return share > 0 ? Math.min(1, share) : 0;
}
