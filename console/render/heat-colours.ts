/**
 * The heat colours as parameters of terminal escape sequences, for terminals of 256 or 2^24
 * colours.
 *
 * `heat-cells.ts` calls it for each cell of a heat map. Pure: no I/O.
 */
import { viridis } from '../../plotting/viridis.js';
import type { ColourDepth } from './colour.js';

/** The eye distinguishes no more steps; further ones would only make the output longer. */
const STEPS = 64;
/** Levels of the 6 × 6 × 6 cube of the xterm palette, which begins at colour 16. */
const CUBE_LEVELS = [0, 95, 135, 175, 215, 255];
const CUBE_START = 16;

type HeatDepth = Extract<ColourDepth, '256' | 'truecolor'>;

const PALETTES: Readonly<Record<HeatDepth, readonly string[]>> = {
  truecolor: Array.from({ length: STEPS }, (_, step) => `2;${viridis(step / (STEPS - 1)).join(';')}`),
  '256': Array.from({ length: STEPS }, (_, step) => `5;${nearestInCube(viridis(step / (STEPS - 1)))}`),
};

/** Whether a terminal has enough colours for a heat map: 16 have no order of brightness. */
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

function nearestInCube(rgb: readonly number[]): number {
  return rgb.reduce((code, value) => code * 6 + nearestLevel(value), 0) + CUBE_START;
}

function nearestLevel(value: number): number {
  const distances = CUBE_LEVELS.map((level) => Math.abs(level - value));
  return distances.indexOf(Math.min(...distances));
}
