/**
 * Splits a line of the prompt into words and quotes words, by the rules of a shell.
 *
 * The prompt and its completion call it. Text in '…' is taken literally; in "…" and in bare text a
 * backslash escapes the next character. Pure: no I/O.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';

export interface Line {
  /** The words, the unfinished last one included. */
  readonly words: readonly string[];
  /**
   * Index at which the last word begins, its quote included; the length of the line when the line
   * ends between words.
   */
  readonly lastStart: number;
  /** The quote that is not closed yet. */
  readonly open: string | undefined;
}

export function splitLine(line: string): Line {
  const words: string[] = [];
  let word: string | undefined;
  let wordStart = line.length;
  let open: string | undefined;
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] ?? '';
    const escapes = character === '\\' && open !== "'" && at + 1 < line.length;
    if (open === undefined && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    // A word that begins with # starts a comment, as in scripts.
    if (character === '#' && word === undefined && open === undefined)
      return { words, lastStart: line.length, open };
    if (word === undefined) wordStart = at;
    word ??= '';
    if (escapes) {
      at += 1;
      word += line[at] ?? '';
    } else if (open === character) open = undefined;
    else if (open === undefined && (character === '"' || character === "'")) open = character;
    else word += character;
  }
  if (word !== undefined) words.push(word);
  return { words, lastStart: word === undefined ? line.length : wordStart, open };
}

/** The words of a complete line. Throws BAD_OPTION when a quote is not closed. */
export function wordsOf(line: string): readonly string[] {
  const { words, open } = splitLine(line);
  if (open === undefined) return words;
  throw new MirrorflowError('BAD_OPTION', `the quote ${open} is not closed`, {
    hint: 'close it, or escape it with \\',
  });
}

/** Quotes a word so that `splitLine` returns it unchanged. */
export function quoteWord(word: string): string {
  return word !== '' && !/[\s'"\\#]/.test(word) ? word : `"${word.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
