/**
 * Under- and overflow of a spectrum: the outer stored channels where the source stores them there,
 * which are as new as the counts; else the statistics of the display memory's header, which the
 * source renews rarely. Used by `frames.ts`. Pure.
 */
import type { Binding } from '../../client-lib/index.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';
import type { Grid } from './derive.js';

export interface OutsideCounts {
  /** Counts of the x axis, and of the y axis in two dimensions. */
  readonly underflows: readonly number[];
  readonly overflows: readonly number[];
}

export function outsideCounts(
  { values, xchans, ychans }: Grid,
  info: SpectrumInfo,
  { underflows, overflows }: Binding,
): OutsideCounts {
  const column = (at: number): number => {
    let sum = 0;
    for (let row = 0; row < ychans; row += 1) sum += values[row * xchans + at] ?? 0;
    return sum;
  };
  const row = (at: number): number => {
    let sum = 0;
    for (let channel = 0; channel < xchans; channel += 1) sum += values[at * xchans + channel] ?? 0;
    return sum;
  };
  const x = info.xoutside ? [column(0), column(xchans - 1)] : [underflows[0], overflows[0]];
  if (info.dimensions === 1) return { underflows: x.slice(0, 1), overflows: x.slice(1) };
  const y = info.youtside ? [row(0), row(ychans - 1)] : [underflows[1], overflows[1]];
  return { underflows: [x[0] ?? 0, y[0] ?? 0], overflows: [x[1] ?? 0, y[1] ?? 0] };
}
