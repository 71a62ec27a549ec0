/** A spectrum as programs get it with --json, and the numbers that tables show. */
import type { Spectrum } from '../client-lib/index.js';

export interface SpectrumRecord {
  readonly name: string;
  readonly slot: number;
  /** `1D long`, `2D word`, … */
  readonly type: string;
  readonly xchans: number;
  readonly ychans: number;
  readonly xmin: number;
  readonly xmax: number;
  readonly ymin: number;
  readonly ymax: number;
  readonly xlabel: string;
  readonly ylabel: string;
  /** Of all stored channels. */
  readonly sum: number;
  /** Counts beyond the range, of x and y. */
  readonly overflows: readonly [number, number];
  readonly underflows: readonly [number, number];
}

export function spectrumRecord({ binding, sum }: Spectrum): SpectrumRecord {
  const { name, slot, type, xchans, ychans, xmin, xmax, ymin, ymax, xlabel, ylabel } = binding;
  const { overflows, underflows } = binding;
  return {
    name,
    slot,
    type: type.name,
    xchans,
    ychans,
    xmin,
    xmax,
    ymin,
    ymax,
    xlabel,
    ylabel,
    sum,
    overflows,
    underflows,
  };
}
