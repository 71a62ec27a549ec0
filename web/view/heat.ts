/** Counts to colours, fast enough for a million cells ten times a second. Pure. */
import type { Values } from '../wire/frame.js';
import { COLOUR_STEPS } from './colours.js';
import { scaler, type ScaleName } from './scale.js';

/** Up to this value every count has its own entry in a table; above, the step is computed. */
const TABLE_MAX = 2 ** 16;

/**
 * Writes `columns` × `rows` pixels, the first row of values at the bottom. A count above 0 is never
 * step 0.
 */
export function paintHeat(
  pixels: Uint32Array,
  values: Values,
  columns: number,
  rows: number,
  colours: Uint32Array,
  scale: ScaleName,
  max: number,
): void {
  const step = stepper(scale, max);
  const table = max < TABLE_MAX ? tableOf(step, max, colours) : undefined;
  for (let row = 0; row < rows; row += 1) {
    const from = row * columns;
    const to = (rows - 1 - row) * columns;
    if (table === undefined) {
      for (let column = 0; column < columns; column += 1) {
        pixels[to + column] = colours[step(values[from + column] ?? 0)] ?? 0;
      }
    } else {
      for (let column = 0; column < columns; column += 1) {
        pixels[to + column] = table[values[from + column] ?? 0] ?? 0;
      }
    }
  }
}

/** The colour step of a count: 0 for none, 1 to 255 otherwise. */
export function stepper(scale: ScaleName, max: number): (count: number) => number {
  const height = scaler(scale, max);
  return (count) =>
    count <= 0 ? 0 : Math.max(1, Math.min(COLOUR_STEPS - 1, Math.round(height(count) * (COLOUR_STEPS - 1))));
}

function tableOf(step: (count: number) => number, max: number, colours: Uint32Array): Uint32Array {
  return Uint32Array.from({ length: max + 1 }, (_, count) => colours[step(count)] ?? 0);
}
