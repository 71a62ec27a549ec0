/**
 * The colour map of heat maps: viridis, which is perceptually uniform and readable without colour
 * vision.
 *
 * The console derives its terminal palettes from it, the web page its canvas pixels and colour key.
 * Pure: no I/O.
 */

/** Red, green and blue, 0 to 255 each. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** Every sixteenth colour of viridis (matplotlib, S. van der Walt and N. Smith, CC0). */
const ANCHORS: readonly Rgb[] = [
  [68, 1, 84],
  [72, 24, 106],
  [71, 45, 123],
  [66, 64, 134],
  [59, 82, 139],
  [51, 99, 141],
  [44, 114, 142],
  [38, 130, 142],
  [33, 145, 140],
  [31, 160, 136],
  [40, 174, 128],
  [63, 188, 115],
  [94, 201, 98],
  [132, 212, 75],
  [173, 220, 48],
  [216, 226, 25],
  [253, 231, 37],
];

/** The colour at a position of 0 (dark) to 1 (bright), interpolated between the anchors. */
export function viridis(unit: number): Rgb {
  return interpolated(ANCHORS, unit);
}

/** The colour at a position of 0 to 1 between colours at equal distances, at least two. */
export function interpolated(anchors: readonly Rgb[], unit: number): Rgb {
  const place = Math.min(1, Math.max(0, unit)) * (anchors.length - 1);
  const index = Math.min(anchors.length - 2, Math.floor(place));
  const share = place - index;
  const [lower, upper] = [anchors[index], anchors[index + 1]];
  const mix = (part: 0 | 1 | 2): number =>
    Math.round((lower?.[part] ?? 0) * (1 - share) + (upper?.[part] ?? 0) * share);
  return [mix(0), mix(1), mix(2)];
}
