/**
 * From counts to a share of the plot's height or colour, 0 to 1, and back. The top is a round
 * number, not the maximum itself, so that a live picture does not jump with every count.
 */
import { formatShortCount } from './numbers.js';
import { niceCeiling, niceTicks } from './ticks.js';

export const SCALE_NAMES = ['linear', 'log', 'sqrt'] as const;
export type ScaleName = (typeof SCALE_NAMES)[number];

/**
 * The logarithm of 0 is nowhere: zero counts stand at this floor, so that one count already has a
 * height.
 */
const LOG_FLOOR_COUNTS = 0.5;

export interface CountTick {
  /** Position, 0 (bottom) to 1 (top). */
  readonly at: number;
  readonly label: string;
}

export interface CountScale {
  readonly name: ScaleName;
  /** The count that stands at 1. */
  readonly top: number;
  /** 0 to 1; counts beyond the ends stand at the ends. */
  toUnit(count: number): number;
  /** The count at a position of 0 to 1. */
  toCount(unit: number): number;
  /** About `most` ticks, from the bottom up, the bottom among them. */
  ticks(most: number): readonly CountTick[];
}

/** A scale for counts from 0 to `max`. A maximum that is not above 0 counts as 1. */
export function countScale(name: ScaleName, max: number): CountScale {
  const top = max > 0 && Number.isFinite(max) ? niceCeiling(max) : 1;
  return name === 'log' ? logScale(Math.max(1, top)) : shapedScale(name, top, SHAPES[name]);
}

interface Shape {
  /** Share of the top, 0 to 1, to position. */
  forth(share: number): number;
  back(unit: number): number;
}

const SHAPES: Readonly<Record<Exclude<ScaleName, 'log'>, Shape>> = {
  linear: { forth: (share) => share, back: (unit) => unit },
  sqrt: { forth: Math.sqrt, back: (unit) => unit * unit },
};

function shapedScale(name: ScaleName, top: number, shape: Shape): CountScale {
  const toUnit = (count: number): number => shape.forth(clampToUnit(count / top));
  return {
    name,
    top,
    toUnit,
    toCount: (unit) => shape.back(unit) * top,
    ticks: (most) =>
      niceTicks(0, top, most, top >= 1 ? 1 : 0).values.map((value) => ({
        at: toUnit(value),
        label: formatShortCount(value),
      })),
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
    ticks: (most) => [
      { at: 0, label: '0' },
      ...logTickValues(top, most).map((value) => ({ at: toUnit(value), label: formatShortCount(value) })),
    ],
  };
}

/**
 * Powers of ten up to the top, thinned out evenly; with 2 and 5 between them where there is room.
 */
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
  // Written so that NaN becomes 0.
  return share > 0 ? Math.min(1, share) : 0;
}
