/**
 * Converts the counts of a heat map to pixels, fast enough for a million cells ten times a second.
 *
 * `web/page/draw-heat.ts` calls it for each frame and puts the pixels on a canvas. Pure: no I/O.
 */
import { countScale, type ScaleName } from '../../plotting/scale.js';
import { viridis } from '../../plotting/viridis.js';
import type { Values } from '../wire/frame.js';

/** Steps of the colour table. */
const COLOUR_STEPS = 256;
/** Below this maximum each count has an entry in a table; above, its step is computed. */
const TABLE_MAX = 2 ** 16;

/**
 * The colour table as words of an ImageData on a little-endian machine: 0xAABBGGRR. Step 0 is
 * transparent: a channel without counts has no colour.
 */
export function colourWords(): Uint32Array {
  return Uint32Array.from({ length: COLOUR_STEPS }, (_, step) => {
    if (step === 0) return 0;
    const [red, green, blue] = viridis(step / (COLOUR_STEPS - 1));
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}

/**
 * Writes `columns` × `rows` pixels, the first row of values at the bottom. `colours` is the table
 * of `colourWords`; `max` is the count of its last step. A count above 0 is never step 0.
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
function stepper(scale: ScaleName, max: number): (count: number) => number {
  const { toUnit } = countScale(scale, max);
  return (count) => (count <= 0 ? 0 : Math.max(1, Math.round(toUnit(count) * (COLOUR_STEPS - 1))));
}

function tableOf(step: (count: number) => number, max: number, colours: Uint32Array): Uint32Array {
  return Uint32Array.from({ length: max + 1 }, (_, count) => colours[step(count)] ?? 0);
}
