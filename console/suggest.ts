/** What was probably meant: the known word that is closest to an unknown one. Pure. */

/** More than one change in three letters is another word. */
const LETTERS_PER_CHANGE = 3;
/** Longer words are not compared: the comparison takes the square of the length. */
const COMPARED_CHARACTERS = 128;

/**
 * The closest of `known` to `word`, or undefined when none is close. Letters may differ in case for
 * free.
 */
export function closest(word: string, known: Iterable<string>): string | undefined {
  if (word === '' || word.length > COMPARED_CHARACTERS) return undefined;
  const wanted = word.toLowerCase();
  let best: { readonly text: string; readonly changes: number } | undefined;
  for (const text of known) {
    const candidate = text.slice(0, COMPARED_CHARACTERS).toLowerCase();
    const begins = wanted.length > 1 && candidate.startsWith(wanted);
    const changes = begins ? 0.5 : editDistance(wanted, candidate);
    const most = Math.max(1, Math.floor(Math.max(wanted.length, candidate.length) / LETTERS_PER_CHANGE));
    if (changes <= most && (best === undefined || changes < best.changes)) best = { text, changes };
  }
  return best?.text;
}

/**
 * Letters inserted, removed, exchanged, or swapped with their neighbour (optimal string alignment).
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
