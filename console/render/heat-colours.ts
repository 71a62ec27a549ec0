/**
 * Colours of a heat map: viridis, which is perceptually uniform and readable for the colour-blind.
 */
import type { ColourDepth } from './colour.js';

/**
 * Every sixteenth of viridis (matplotlib, S. van der Walt and N. Smith, CC0); between them colours
 * are interpolated.
 */
const VIRIDIS: readonly (readonly [number, number, number])[] = [
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

/** More steps cannot be told apart and would only make lines longer. */
const STEPS = 64;
/** Levels of the 6 × 6 × 6 cube of the xterm palette, which begins at colour 16. */
const CUBE_LEVELS = [0, 95, 135, 175, 215, 255];
const CUBE_START = 16;

type HeatDepth = Extract<ColourDepth, '256' | 'truecolor'>;

const PALETTES: Readonly<Record<HeatDepth, readonly string[]>> = {
  truecolor: Array.from({ length: STEPS }, (_, step) => `2;${viridisAt(step / (STEPS - 1)).join(';')}`),
  '256': Array.from({ length: STEPS }, (_, step) => `5;${nearestInCube(viridisAt(step / (STEPS - 1)))}`),
};

/**
 * Whether a terminal has enough colours for a heat map; 16 have no order that the eye could follow.
 */
export function hasHeatColours(depth: ColourDepth): depth is HeatDepth {
  return depth === '256' || depth === 'truecolor';
}

/**
 * The colour at a position of 0 to 1, as the parameters that follow `38;` or `48;` in an escape
 * sequence.
 */
export function heatColour(unit: number, depth: HeatDepth): string {
  const step = Math.round(Math.min(1, Math.max(0, unit)) * (STEPS - 1));
  return PALETTES[depth][step] ?? '';
}

function viridisAt(unit: number): number[] {
  const place = unit * (VIRIDIS.length - 1);
  const index = Math.min(VIRIDIS.length - 2, Math.floor(place));
  const share = place - index;
  const [lower, upper] = [VIRIDIS[index], VIRIDIS[index + 1]];
  return [0, 1, 2].map((part) =>
    Math.round((lower?.[part] ?? 0) * (1 - share) + (upper?.[part] ?? 0) * share),
  );
}

function nearestInCube(rgb: readonly number[]): number {
  return rgb.reduce((code, value) => code * 6 + nearestLevel(value), 0) + CUBE_START;
}

function nearestLevel(value: number): number {
  const distances = CUBE_LEVELS.map((level) => Math.abs(level - value));
  return distances.indexOf(Math.min(...distances));
}
