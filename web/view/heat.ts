/**
 * Converts the counts of a heat map to pixels, fast enough for a million cells ten times a second.
 *
 * `web/page/draw-heat.ts` calls it for each frame and puts the pixels on a canvas. Pure: no I/O.
 */
import { peakOf } from '../../plotting/resample.js';
import { countScale, type ScaleName } from '../../plotting/scale.js';
import { paletteColour, type PaletteName } from '../../plotting/palettes.js';
import type { Values } from '../wire/frame.js';

/** Steps of the colour table. */
const COLOUR_STEPS = 256;

/**
 * The colour table as words of an ImageData on a little-endian machine: 0xAABBGGRR. Step 0 is
 * transparent: a channel without counts has no colour.
 */
export function colourWords(palette: PaletteName): Uint32Array {
  return Uint32Array.from({ length: COLOUR_STEPS }, (_, step) => {
    if (step === 0) return 0;
    const [red, green, blue] = paletteColour(palette, step / (COLOUR_STEPS - 1));
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}

/** Which colour a count has. */
export interface HeatScale {
  readonly scale: ScaleName;
  /** Counts of the first and the last colour. */
  readonly bottom: number;
  readonly top: number;
  /** Counts below have no colour; undefined for a colour from one count on. */
  readonly threshold: number | undefined;
}

/**
 * Writes `columns` × `rows` pixels, the first row of values at the bottom. `colours` is the table
 * of `colourWords`. A count above 0 that reaches the threshold is never step 0.
 */
export function paintHeat(
  pixels: Uint32Array,
  values: Values,
  columns: number,
  rows: number,
  colours: Uint32Array,
  scale: HeatScale,
): void {
  const step = stepper(scale);
  const table = isSmall(values) ? tableOf(step, values, colours) : undefined;
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
function stepper({ scale, bottom, top, threshold = 0 }: HeatScale): (count: number) => number {
  const { toUnit } = countScale(scale, top, bottom);
  return (count) =>
    count <= 0 || count < threshold ? 0 : Math.max(1, Math.round(toUnit(count) * (COLOUR_STEPS - 1)));
}

/** For each count its colour: quicker than computing every step. */
function tableOf(step: (count: number) => number, values: Values, colours: Uint32Array): Uint32Array {
  const { count: highest } = peakOf(values, 0, values.length);
  return Uint32Array.from({ length: highest + 1 }, (_, count) => colours[step(count)] ?? 0);
}

/** Whole numbers that a table has room for; others have their step computed. */
function isSmall(values: Values): boolean {
  return values instanceof Uint8Array || values instanceof Uint16Array;
}
