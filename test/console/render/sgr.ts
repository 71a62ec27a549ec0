/**
 * Colours in rendered lines (SGR escape sequences): removes our own, and finds foreign ones. Used
 * by the tests of the renderers. Pure.
 */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { SCALE_NAMES } from '../../../plotting/scale.js';
import { columnsOf } from '../../../console/render/printable.js';

const ESC = '\u001b';

/** A line without the colour sequences that the renderers write. */
export function uncoloured(line: string): string {
  return line.replace(new RegExp(`${ESC}\\[[0-9;]*m`, 'g'), '');
}

/**
 * A line holds no control character besides those of colour sequences, and is no wider than
 * `width`.
 */
export function isHarmless(line: string, width: number): boolean {
  const text = uncoloured(line);
  return !/[\p{C}\p{Zl}\p{Zp}]/u.test(text) && columnsOf(text) <= width;
}

/** Any terminal and scale of a plot, however small. */
export const ANY_TERMINAL = {
  scale: fc.constantFrom(...SCALE_NAMES),
  width: fc.integer({ min: 1, max: 70 }),
  height: fc.integer({ min: 1, max: 15 }),
  unicode: fc.boolean(),
  colour: fc.constantFrom('none', 'basic', '256', 'truecolor'),
} as const;

/** The lines fit the terminal, are harmless, and are ASCII where it shows nothing else. */
export function expectToFit(
  lines: readonly string[],
  terminal: { readonly width: number; readonly height: number; readonly unicode: boolean },
): void {
  expect(lines.length).to.be.at.most(terminal.height);
  for (const line of lines) expect(isHarmless(line, terminal.width), line).to.equal(true);
  if (!terminal.unicode) expect(lines.map(uncoloured).join('')).to.match(/^[ -~]*$/);
}
