/**
 * Makes text from other machines safe for a terminal; measures, cuts and pads it.
 *
 * Titles and labels come from a SpecTcl that any user may have written to. The renderers pass every
 * such text through `printable` before they measure, cut or colour it, so that the output contains
 * no foreign escape sequences. Pure: no I/O.
 */

/** Joiners and variation selectors, which are removed: terminals disagree about their widths. */
const WIDTH_CHANGERS = /\u200d|\p{Variation_Selector}/gu;
/** Line breaks, tabs and every kind of space. */
const SPACES = /[\t-\r\u0085\p{Z}]/gu;
/**
 * Controls, formats (also those that reverse the writing direction), lone surrogates, private use,
 * unassigned.
 */
const NOT_GRAPHIC = /\p{C}/gu;
/** More than two marks on one letter would overlap the lines above it. */
const STACKED_MARKS = /(\p{M}{2})\p{M}+/gu;
const NOT_ASCII = /[^ -~]/gu;

const NO_COLUMN = /^[\p{Mn}\p{Me}\u1160-\u11ff\ud7b0-\ud7ff]$/u;
/**
 * East Asian wide and full-width ranges (Unicode Standard Annex 11), and emoji.
 */
const TWO_COLUMNS =
  /^(?:[\u1100-\u115f\u2329\u232a\u2630-\u2637\u268a-\u268f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d37f}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation})$/u;

const LAST_ASCII = 0x7e;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * One line of safe text: each white space becomes a space, each invisible character `?`. Without
 * `unicode` every character beyond ASCII becomes `?` too, because a terminal that reads bytes takes
 * parts of UTF-8 characters (0x80 to 0x9f) for control characters.
 */
export function printable(text: string, unicode = true): string {
  const visible = text.replace(WIDTH_CHANGERS, '').replace(SPACES, ' ').replace(NOT_GRAPHIC, '?');
  return unicode ? visible.replace(STACKED_MARKS, '$1') : visible.replace(NOT_ASCII, '?');
}

/** Terminal columns of a printable text; where terminals differ (flags), the larger number. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += columnsOfCharacter(character);
  return columns;
}

function columnsOfCharacter(character: string): number {
  if ((character.codePointAt(0) ?? 0) <= LAST_ASCII) return 1;
  if (NO_COLUMN.test(character)) return 0;
  return TWO_COLUMNS.test(character) ? 2 : 1;
}

/**
 * Cuts a printable text without colours to `columns`, with an ellipsis when it does not fit.
 * Letters with their marks and characters of two columns are not split.
 */
export function cutTo(text: string, columns: number, unicode = true): string {
  if (columns <= 0) return '';
  if (columnsOf(text) <= columns) return text;
  const ellipsis = (unicode ? '…' : '..').slice(0, columns);
  let kept = '';
  let free = columns - ellipsis.length;
  for (const { segment } of graphemes.segment(text)) {
    free -= columnsOf(segment);
    if (free < 0) break;
    kept += segment;
  }
  return kept.trimEnd() + ellipsis;
}

/** The text with spaces on its right up to `columns`. */
export function padRight(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)));
}

/** The text with spaces on its left up to `columns`. */
export function padLeft(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - columnsOf(text))) + text;
}
