/**
 * The palettes of heat maps, from few counts (0) to many (1). `web/view/heat.ts` makes tables of
 * them for pixels, the page draws its colour keys with them. Viridis and magma become brighter
 * evenly and are readable without colour vision; jet is what older programs draw. Pure: no I/O.
 */
import { interpolated, viridis, type Rgb } from './viridis.js';

export const PALETTE_NAMES = ['viridis', 'magma', 'grey', 'jet'] as const;
export type PaletteName = (typeof PALETTE_NAMES)[number];

/** Every sixteenth colour of magma (matplotlib, S. van der Walt and N. Smith, CC0). */
const MAGMA: readonly Rgb[] = [
  [0, 0, 4],
  [10, 8, 34],
  [29, 17, 71],
  [54, 16, 107],
  [81, 18, 124],
  [106, 28, 129],
  [131, 38, 129],
  [156, 46, 127],
  [183, 55, 121],
  [207, 64, 112],
  [229, 80, 100],
  [244, 105, 92],
  [251, 135, 97],
  [254, 165, 113],
  [254, 194, 135],
  [253, 224, 161],
  [252, 253, 191],
];

/** Neither black nor white, so that counts differ from both backgrounds. */
const GREY: readonly Rgb[] = [
  [40, 40, 40],
  [245, 245, 245],
];

/** Every eighth of MATLAB's jet: blue, cyan, yellow, red, with straight lines between them. */
const JET: readonly Rgb[] = [
  [0, 0, 128],
  [0, 0, 255],
  [0, 128, 255],
  [0, 255, 255],
  [128, 255, 128],
  [255, 255, 0],
  [255, 128, 0],
  [255, 0, 0],
  [128, 0, 0],
];

/**
 * The colour at a position of 0 (few counts) to 1 (many); positions outside have the ends' colours.
 */
export function paletteColour(name: PaletteName, unit: number): Rgb {
  switch (name) {
    case 'viridis':
      return viridis(unit);
    case 'magma':
      return interpolated(MAGMA, unit);
    case 'grey':
      return interpolated(GREY, unit);
    case 'jet':
      return interpolated(JET, unit);
    default:
      return name satisfies never;
  }
}
