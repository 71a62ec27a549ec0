/**
 * The binding of a one-dimensional spectrum in a display memory that no test reads: what lists of
 * bindings consist of. Used by tests of the gateway. Pure.
 */
import { SPECTRUM_TYPES, type Binding } from '../../protocol/spectcl/display-memory.js';

export function sampleBinding(name: string, slot: number, xchans = 10): Binding {
  return {
    name,
    slot,
    xchans,
    ychans: 1,
    info: '',
    type: SPECTRUM_TYPES[4],
    dimensions: 1,
    byteOffset: 5_600_000,
    byteLength: 4 * xchans,
    xmin: 0,
    xmax: 1,
    ymin: 0,
    ymax: 0,
    xlabel: '',
    ylabel: '',
    overflows: [0, 0],
    underflows: [0, 0],
  };
}
