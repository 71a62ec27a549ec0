/**
 * The counts of a 1-D spectrum with its axis in units, copied out of a display memory: the input of
 * fits and peak searches. The console and the thread of the app server that fits use it. Pure.
 */
import { MirrorflowError } from '../base/errors.js';
import type { Binding, Channels } from './display-memory.js';
import { inRangeChannels } from './in-range.js';

export interface CountsInRange {
  /** Under- and overflow are left out. */
  readonly counts: Float64Array;
  /** Lower edge of the first channel, in units of the axis; 0 if it has none. */
  readonly low: number;
  /** Width of a channel, in units of the axis; 1 if it has none. */
  readonly width: number;
}

/**
 * `bins`: channels of the axis without under- and overflow, as SpecTcl's REST service reports them;
 * undefined where it was not asked: then all stored channels are in range. Throws BAD_OPTION for a
 * spectrum of two dimensions.
 */
export function countsInRange(binding: Binding, counts: Channels, bins: number | undefined): CountsInRange {
  const { name, dimensions, xchans, xmin, xmax } = binding;
  if (dimensions !== 1) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the spectrum ${name} has two dimensions; peaks are fitted in spectra of one`,
      { name },
    );
  }
  const [first, end] = inRangeChannels(xchans, bins);
  // An axis that is not increasing is replaced by channel numbers.
  const hasUnits = Number.isFinite(xmax - xmin) && xmax > xmin;
  return {
    counts: Float64Array.from(counts.subarray(first, end)),
    low: hasUnits ? xmin : 0,
    width: hasUnits ? (xmax - xmin) / (end - first) : 1,
  };
}
