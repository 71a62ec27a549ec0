/**
 * A step histogram on a screen with fewer columns than channels: what each column of pixels reaches
 * from and to. Pure.
 */
import type { Values } from '../wire/frame.js';

export interface Envelope {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/**
 * Lowest and highest value of the channels that touch each column; every channel touches one at
 * least.
 */
export function envelope(values: Values, columns: number): Envelope {
  const low = new Float64Array(columns);
  const high = new Float64Array(columns);
  const perColumn = values.length / columns;
  for (let column = 0; column < columns; column += 1) {
    const from = Math.floor(column * perColumn);
    const to = Math.max(from + 1, Math.min(values.length, Math.ceil((column + 1) * perColumn)));
    let least = Infinity;
    let most = 0;
    for (let channel = from; channel < to; channel += 1) {
      const value = values[channel] ?? 0;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    low[column] = least === Infinity ? 0 : least;
    high[column] = most;
  }
  return { low, high };
}
