/**
 * A spectrum of a file as a frame, so that a plot shows it like one of the server. The page calls
 * it for files that the user opens. Pure.
 */
import type { SavedSpectrum } from '../../plotting/files/saved-spectrum.js';
import type { FrameContent } from '../wire/packed-frame.js';

/** `name`: what plots call it. All channels are in range. */
export function savedFrame({ type, x, y, counts, atMs }: SavedSpectrum, name: string): FrameContent {
  const values = Float64Array.from(counts);
  let [sum, max] = [0, 0];
  for (const count of values) {
    sum += count;
    if (count > max) max = count;
  }
  const ychans = y?.channels ?? 1;
  return {
    values,
    head: {
      values: 'f64',
      info: {
        name,
        type,
        dimensions: y === undefined ? 1 : 2,
        xchans: x.channels,
        ychans,
        xmin: x.low,
        xmax: x.high,
        ymin: y?.low ?? 0,
        ymax: y?.high ?? 0,
        xlabel: x.label,
        ylabel: y?.label ?? '',
        xoutside: false,
        youtside: false,
      },
      dimensions: y === undefined ? 1 : 2,
      x: [0, x.channels],
      xgroup: 1,
      y: [0, ychans],
      ygroup: 1,
      columns: x.channels,
      rows: ychans,
      max,
      sum,
      overflows: [],
      underflows: [],
      atMs,
      sequence: 0,
    },
  };
}
