/**
 * Count scales: map counts to a share (0 to 1) of a plot's height or colour range, and back.
 *
 * A scale is linear, logarithmic or square root. The console's histograms and heat maps and the web
 * page's plots, heat maps, colour keys and thumbnails build theirs here. Pure: no I/O.
 */
import { siPrefix } from './numbers.js';
import { formatAxisValue, niceCeiling, niceTicks } from './ticks.js';

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
  /** The count at position 1. */
  readonly top: number;
  /** Position of a count, 0 to 1: counts below 0 and NaN are at 0, counts above `top` at 1. */
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
 * A scale for counts from 0 to `top`. A top that is not above 0 or not finite becomes 1; a
 * logarithmic scale has a top of at least 1.
 */
export function countScale(name: ScaleName, top: number): CountScale {
  const usableTop = top > 0 && Number.isFinite(top) ? top : 1;
  return name === 'log' ? logScale(Math.max(1, usableTop)) : powerScale(name, usableTop, POWERS[name]);
}

/** A function of the share of the top (0 to 1) to a position (0 to 1), and its inverse. */
interface PowerFunction {
  readonly position: (share: number) => number;
  readonly share: (position: number) => number;
}

const POWERS: Readonly<Record<Exclude<ScaleName, 'log'>, PowerFunction>> = {
  linear: { position: (share) => share, share: (position) => position },
  sqrt: { position: Math.sqrt, share: (position) => position * position },
};

function powerScale(name: ScaleName, top: number, power: PowerFunction): CountScale {
  const toUnit = (count: number): number => power.position(clampToUnit(count / top));
  return {
    name,
    top,
    toUnit,
    toCount: (unit) => power.share(unit) * top,
    minorTicks: [],
    ticks: (most) => {
      const { values, step } = niceTicks(0, top, most, top >= 1 ? 1 : 0);
      const { unit, prefix } = siPrefix(top < PLAIN_TOP.power ? 1 : top);
      return values.map((count) => ({
        at: toUnit(count),
        count,
        label: count === 0 ? '0' : `${formatAxisValue(count / unit, step / unit)}${prefix}`,
      }));
    },
  };
}

function logScale(top: number): CountScale {
  const span = Math.log(top / LOG_FLOOR_COUNTS);
  const toUnit = (count: number): number =>
    count > LOG_FLOOR_COUNTS ? clampToUnit(Math.log(count / LOG_FLOOR_COUNTS) / span) : 0;
  return {
    name: 'log',
    top,
    toUnit,
    toCount: (unit) => LOG_FLOOR_COUNTS * Math.exp(unit * span),
    minorTicks: minorLogValues(top).map(toUnit),
    ticks: (most) => [
      { at: 0, count: 0, label: '0' },
      ...logTickValues(top, most).map((count) => {
        const { unit, prefix } = siPrefix(top < PLAIN_TOP.log ? 1 : count);
        return { at: toUnit(count), count, label: `${count / unit}${prefix}` };
      }),
    ],
  };
}

/** 2 to 9 times each power of ten, up to `top`. */
function minorLogValues(top: number): number[] {
  const values: number[] = [];
  for (let power = 1; power <= top; power *= 10) {
    for (let factor = 2; factor <= 9 && factor * power <= top; factor += 1) values.push(factor * power);
  }
  return values;
}

/** Powers of ten up to `top`: with 2 and 5 between them where `most` allows, thinned where not. */
function logTickValues(top: number, most: number): number[] {
  const decades = Math.floor(Math.log10(top) + 1e-9) + 1;
  if (decades * 3 <= most) {
    const values = Array.from({ length: decades }, (_, decade) =>
      [1, 2, 5].map((factor) => factor * 10 ** decade),
    );
    return values.flat().filter((value) => value <= top);
  }
  const stride = Math.max(1, Math.ceil(decades / Math.max(1, most)));
  return Array.from({ length: Math.ceil(decades / stride) }, (_, index) => 10 ** (index * stride));
}

function clampToUnit(share: number): number {
  // The comparison is false for NaN, which therefore becomes 0.
  return share > 0 ? Math.min(1, share) : 0;
}
