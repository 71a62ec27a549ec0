/**
 * Tcl's `string match`: `*`, `?`, `[a-z]`, and a backslash that takes the next character as it is.
 */

/**
 * Backtracks only to the last star, so that no pattern takes longer than its length times that of
 * the text.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let starText = 0;
  while (t < text.length) {
    const one = p < pattern.length && pattern[p] !== '*' ? matchOne(pattern, p, text[t] ?? '') : 0;
    if (one > 0) {
      p += one;
      t++;
    } else if (pattern[p] === '*') {
      star = p++;
      starText = t;
    } else if (star >= 0) {
      p = star + 1;
      t = ++starText;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** Length of the pattern element at `at` when it matches the character, else 0. */
function matchOne(pattern: string, at: number, character: string): number {
  const first = pattern[at];
  if (first === '?') return 1;
  if (first === '\\') return pattern[at + 1] === character ? 2 : 0;
  if (first !== '[') return first === character ? 1 : 0;
  const end = pattern.indexOf(']', at + 1);
  if (end < 0) return 0;
  for (let i = at + 1; i < end; i++) {
    const low = pattern[i] ?? '';
    const high = pattern[i + 1] === '-' && i + 2 < end ? (pattern[i + 2] ?? '') : low;
    if (high !== low || pattern[i + 1] === '-') i += i + 2 < end ? 2 : 0;
    if (character >= low && character <= high) return end - at + 1;
  }
  return 0;
}
