/**
 * The figures of the regions of a view: counts, net counts with uncertainties, rate, and the counts
 * themselves where a page fits them. Used by `frames.ts`. Pure.
 */
import { regionFigures } from '../../analysis/region/region-figures.js';
import { inRangeChannels } from '../view/axis.js';
import type { RegionAnswer, RegionRate } from '../wire/frame.js';
import type { ChannelRange } from '../wire/ranges.js';
import { REGION_COUNTS_MAX, type RegionRequest } from '../wire/subscription.js';
import { clampRange, regionStatistics, type Grid } from './derive.js';

/** The view of a spectrum with earlier counts. */
export interface EarlierGrid {
  readonly grid: Grid;
  /** Seconds between the earlier and the present counts. */
  readonly spanS: number;
}

/** Answers in the order of the requests. `yOutside`: whether the outer rows are out of range. */
export function regionAnswers(
  grid: Grid,
  requests: readonly RegionRequest[],
  yOutside: boolean,
  earlier: EarlierGrid | undefined,
): RegionAnswer[] {
  return requests.map((request) => {
    const x = clampRange(request.x, grid.xchans);
    const y: ChannelRange =
      grid.ychans === 1
        ? [0, 1]
        : clampRange(request.y ?? inRangeChannels(grid.ychans, yOutside), grid.ychans);
    const statistics = regionStatistics(grid, x, y);
    const rate = earlier === undefined ? undefined : rateOf(statistics.sum, earlier, x, y);
    const requested = { x: request.x, ...(request.y === undefined ? {} : { y: request.y }) };
    if (grid.ychans > 1) return { ...requested, statistics, ...(rate === undefined ? {} : { rate }) };
    const counts = grid.values.subarray(x[0], x[1]);
    const isSent = request.counts === true && counts.length <= REGION_COUNTS_MAX;
    return {
      ...requested,
      statistics,
      figures: regionFigures({ counts, low: x[0], width: 1 }),
      ...(rate === undefined ? {} : { rate }),
      ...(isSent ? { counts: Array.from(counts) } : {}),
    };
  });
}

function rateOf(
  sum: number,
  { grid, spanS }: EarlierGrid,
  x: ChannelRange,
  y: ChannelRange,
): RegionRate | undefined {
  return rateBetween(regionStatistics(grid, x, y).sum, sum, spanS);
}

/**
 * Rate of counts over `spanS` seconds; undefined after the spectrum was cleared, and without a
 * span.
 */
export function rateBetween(before: number, now: number, spanS: number): RegionRate | undefined {
  const counted = now - before;
  if (!(spanS > 0) || counted < 0) return undefined;
  return { perSecond: counted / spanS, error: Math.sqrt(counted) / spanS, spanS };
}
