/**
 * Converts the values of a heat map to lines of characters: coloured half blocks, coloured spaces
 * or ASCII shades, by what the terminal can show.
 *
 * `plot-2d.ts` calls it for the map and its colour key. Pure: no I/O.
 */
import type { TerminalStyle } from './colour.js';
import { hasHeatColours, heatColour } from './heat-colours.js';

/** From few to many counts; an empty channel is a space. */
const SHADES = '.:-=+*#%@';
const RESET = '\x1b[0m';

/** Position on the colour scale, 0 to 1; undefined for an empty channel, which is not coloured. */
export type Shade = number | undefined;

export interface CellPainter {
  /** Number of values, one above the other, in one character: 2 with half blocks, otherwise 1. */
  readonly valuesPerCell: 1 | 2;
  /**
   * One line from the values of its upper and lower halves; with 1 value per cell `lower` is
   * unused.
   */
  paint(upper: readonly Shade[], lower: readonly Shade[]): string;
}

export function cellPainter({ colour, unicode }: TerminalStyle): CellPainter {
  if (!hasHeatColours(colour)) {
    return { valuesPerCell: 1, paint: (upper) => upper.map(asciiShade).join('').trimEnd() };
  }
  const code = (shade: Shade): string => (shade === undefined ? '' : heatColour(shade, colour));
  if (!unicode) {
    return {
      valuesPerCell: 1,
      paint: (upper) => colouredLine(upper.map((shade) => colouredSpace(code(shade)))),
    };
  }
  return {
    valuesPerCell: 2,
    paint: (upper, lower) =>
      colouredLine(upper.map((shade, index) => halfBlocks(code(shade), code(lower[index])))),
  };
}

function asciiShade(shade: Shade): string {
  if (shade === undefined) return ' ';
  return SHADES[Math.min(SHADES.length - 1, Math.floor(shade * SHADES.length))] ?? ' ';
}

interface Cell {
  readonly glyph: string;
  /** Parameters of the colour sequence; empty for the terminal's default colours. */
  readonly colourCode: string;
}

function colouredSpace(code: string): Cell {
  return { glyph: ' ', colourCode: code === '' ? '' : `48;${code}` };
}

function halfBlocks(upper: string, lower: string): Cell {
  if (upper === '')
    return lower === '' ? { glyph: ' ', colourCode: '' } : { glyph: '▄', colourCode: `38;${lower}` };
  if (lower === '') return { glyph: '▀', colourCode: `38;${upper}` };
  if (upper === lower) return { glyph: '█', colourCode: `38;${upper}` };
  return { glyph: '▀', colourCode: `38;${upper};48;${lower}` };
}

/** The cells as one line with a colour sequence only where the colour changes, reset at the end. */
function colouredLine(cells: readonly Cell[]): string {
  let line = '';
  let current = '';
  for (const { glyph, colourCode } of cells) {
    if (colourCode !== current) {
      line += colourCode === '' ? RESET : `\x1b[0;${colourCode}m`;
      current = colourCode;
    }
    line += glyph;
  }
  return current === '' ? line.trimEnd() : line + RESET;
}
