/**
 * Projection of a 2-D spectrum within a contour or a band: only channels whose middle is inside are
 * summed, by the rule of gates (`analysis/gates/bins-inside.ts`). Used by `frames.ts`. Pure.
 */
import { runsInside } from '../../analysis/gates/bins-inside.js';
import type { GateAxis } from '../../analysis/gates/gate-outline.js';
import type { Values } from '../wire/frame.js';
import type { ChannelRange } from '../wire/ranges.js';
import type { ChannelOutline } from '../wire/subscription.js';
import type { Grid } from './derive.js';

/** Sums onto `axis`. `inRange`: the channels of both axes that are neither under- nor overflow. */
export function projectWithin(
  { values, xchans, ychans }: Grid,
  axis: 'x' | 'y',
  { shape, points }: ChannelOutline,
  inRange: { readonly x: ChannelRange; readonly y: ChannelRange },
): Values {
  const [x, y] = [channelAxis(xchans, inRange.x), channelAxis(ychans, inRange.y)];
  const outline = { type: shape === 'band' ? 'b' : 'c', low: 0, high: 0, points } as const;
  const runs = runsInside(outline, x, y);
  const sums = new Float64Array(axis === 'x' ? xchans : ychans);
  for (let bin = 0; bin < y.bins; bin += 1) {
    const row = y.first + bin;
    for (const [from, to] of runs(bin)) {
      for (let channel = x.first + from; channel <= x.first + to; channel += 1) {
        sums[axis === 'x' ? channel : row]! += values[row * xchans + channel] ?? 0;
      }
    }
  }
  return sums;
}

/** The axis in channels as its own units. */
function channelAxis(channels: number, [first, end]: ChannelRange): GateAxis {
  return { channels, first, bins: end - first, low: first, high: end };
}
