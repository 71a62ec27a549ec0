/**
 * The JSON record of a spectrum, without its counts.
 *
 * `mirrorflow spectra` and `show` print it with `--json`; the table of `spectra` shows its fields.
 * Pure: no I/O.
 */
import type { Spectrum } from '../client-lib/index.js';

type Copied = 'name' | 'slot' | 'xchans' | 'ychans' | 'xmin' | 'xmax' | 'ymin' | 'ymax' | 'xlabel' | 'ylabel';
type OutOfRange = 'overflows' | 'underflows';

export interface SpectrumRecord extends Pick<Spectrum['binding'], Copied | OutOfRange> {
  /** `1D long`, `2D word`, … */
  readonly type: string;
  /** Sum of all stored channels, in counts. */
  readonly sum: number;
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
