/**
 * The ends of the axis of counts of a histogram: round values around what is visible, or those that
 * the user has typed. `plot-counts.ts` of the page draws by them. Pure.
 */
import { countAxisTop, type ScaleName } from '../../plotting/scale.js';
import type { Curve } from './curve.js';
import { limitsOf, type PlotLook } from './plot-look.js';

/** Top of the axis of counts in units of the highest visible count. */
const HEADROOM: Readonly<Record<ScaleName, number>> = { linear: 1.06, log: 2, sqrt: 1.06 };

export interface CountLimits {
  readonly bottom: number;
  readonly top: number;
  /** The highest visible value. */
  readonly highest: number;
}

/** `isRatio`: a logarithmic axis reaches down to the lowest ratio, and not to one count. */
export function countLimits(
  curves: readonly (Curve | undefined)[],
  scale: ScaleName,
  { low, high }: Pick<PlotLook, 'low' | 'high'>,
  isRatio = false,
): CountLimits {
  let [lowest, highest, leastAboveZero] = [0, 0, Number.POSITIVE_INFINITY];
  for (const curve of curves) {
    if (curve === undefined) continue;
    for (let index = 0; index < curve.values.length; index += 1) {
      const value = (curve.values[index] ?? 0) * curve.factor + curve.shift;
      if (value > highest) highest = value;
      if (value < lowest) lowest = value;
      if (value > 0 && value < leastAboveZero) leastAboveZero = value;
    }
  }
  // A difference may have negative values only.
  const top = highest > 0 || lowest === 0 ? countAxisTop(highest * HEADROOM[scale]) : 0;
  const below = lowest < 0 ? -countAxisTop(-lowest * HEADROOM[scale]) : 0;
  const bottom =
    isRatio && scale === 'log' && Number.isFinite(leastAboveZero)
      ? 10 ** Math.floor(Math.log10(leastAboveZero))
      : below;
  const typed = limitsOf(low, high);
  return { bottom: typed.low ?? bottom, top: typed.high ?? top, highest };
}
