/**
 * The JSON record of a spectrum, without its counts.
 *
 * `mirrorflow spectra` and `show` print it with `--json`; the table of `spectra` shows its fields.
 * Pure: no I/O.
 */
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
  /** Sum of all stored channels, in counts. */
  readonly sum: number;
  /** Counts beyond the range, of the x and the y axis. */
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
