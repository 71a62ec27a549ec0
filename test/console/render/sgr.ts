/**
 * What the tests of the renderers share: taking our own colours away, and recognising what must
 * never be there.
 */
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
