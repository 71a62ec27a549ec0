/**
 * Finds the known word that is closest to an unknown one, for "did you mean" hints.
 *
 * The command line calls it for commands and options, `show` for names of spectra. Pure: no I/O.
 */

/** One changed letter in this many is still the same word. */
const LETTERS_PER_CHANGE = 3;
/** Longer words are not compared: the time grows with the square of the length. */
const COMPARED_CHARACTERS = 128;

/**
 * The word of `candidates` that is closest to `word`, ignoring case; undefined when none is close.
 */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  if (word === '' || word.length > COMPARED_CHARACTERS) return undefined;
  const target = word.toLowerCase();
  let best: { readonly text: string; readonly changes: number } | undefined;
  for (const text of candidates) {
    const compared = text.slice(0, COMPARED_CHARACTERS).toLowerCase();
    const isPrefix = target.length > 1 && compared.startsWith(target);
    const changes = isPrefix ? 0.5 : editDistance(target, compared);
    const most = Math.max(1, Math.floor(Math.max(target.length, compared.length) / LETTERS_PER_CHANGE));
    if (changes <= most && (best === undefined || changes < best.changes)) best = { text, changes };
  }
  return best?.text;
}

/**
 * Number of letters inserted, removed, replaced or swapped with their neighbour (optimal string
 * alignment distance).
 */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
