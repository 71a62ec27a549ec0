/**
 * The colour table of heat maps: 256 steps that grow evenly brighter, readable also without colour
 * vision. Pure.
 */

/** Anchors of "viridis" (S. van der Walt, N. Smith; CC0), dark to bright. */
const ANCHORS = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
] as const;

export const COLOUR_STEPS = 256;

/** Red, green and blue of a step. */
export function colourAt(step: number): readonly [number, number, number] {
  const place = (Math.min(Math.max(step, 0), COLOUR_STEPS - 1) / (COLOUR_STEPS - 1)) * (ANCHORS.length - 1);
  const index = Math.min(Math.floor(place), ANCHORS.length - 2);
  const part = place - index;
  const [from, to] = [ANCHORS[index] ?? ANCHORS[0], ANCHORS[index + 1] ?? ANCHORS[0]];
  const mix = (channel: 0 | 1 | 2): number =>
    Math.round(from[channel] + (to[channel] - from[channel]) * part);
  return [mix(0), mix(1), mix(2)];
}

/**
 * As the words of an ImageData on a little-endian machine: 0xAABBGGRR. Step 0 is transparent: no
 * counts, no colour.
 */
export function colourWords(): Uint32Array {
  return Uint32Array.from({ length: COLOUR_STEPS }, (_, step) => {
    if (step === 0) return 0;
    const [red, green, blue] = colourAt(step);
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}
