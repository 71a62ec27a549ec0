/**
 * Patterns for names, exactly as Tcl's `string match` reads them, since SpecTcl users write them
 * for its commands: `*` any text, `?` one character, `[a-z]` one of these characters, and a
 * backslash that takes the next character literally. `raw[00]` therefore matches `raw0`, not
 * itself.
 *
 * Used wherever spectra or hosts are selected by name: console, web page, gateway and simulator.
 * Pure. The time is bounded for every pattern, since others choose it: proportional to the text for
 * patterns of stars and characters, at most the pattern's length times the text's for any.
 */

/**
 * A range of a class that ends at `]`: where such a class ends depends on the character, and the
 * time is the pattern's length times the text's.
 */
export const AMBIGUOUS_CLASS = '-]';

/** Returns a test for texts, which may be called any number of times. */
export function globMatcher(pattern: string): (text: string) => boolean {
  const elements = Array.from(pattern);
  const positions = new PositionTable(elements);
  if (!pattern.includes(AMBIGUOUS_CLASS)) return (text) => matchesByStars(elements, positions, text);
  const reachable = new ReachablePositions(elements);
  return (text) => {
    reachable.start();
    for (const character of text) if (!reachable.advance(positions.row(character))) return false;
    return reachable.includeEnd();
  };
}

/**
 * Matches the part between two stars at the first place that fits: any later one leaves less text
 * for the rest. So only the last star is ever tried again.
 */
function matchesByStars(pattern: readonly string[], positions: PositionTable, text: string): boolean {
  const rows = Array.from(text, (character) => positions.row(character));
  // `at`: position in the pattern; `next`: character of the text to match.
  let at = 0;
  let next = 0;
  // Position behind the last star, and the character at which it was last tried to end.
  let behindStar: number | undefined;
  let tried = 0;
  while (next < rows.length) {
    if (pattern[at] === '*') {
      at += 1;
      behindStar = at;
      tried = next;
      continue;
    }
    const behind = rows[next]?.behind(at) ?? NO_MATCH;
    if (behind !== NO_MATCH) {
      at = behind;
      next += 1;
    } else if (behindStar === undefined) {
      return false;
    } else {
      tried += 1;
      next = tried;
      at = behindStar;
    }
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}

/** Distinct characters of texts whose results are kept. */
const CHARACTERS_MAX = 512;
/** In place of a position: not computed yet, and none. */
const UNKNOWN = -2;
const NO_MATCH = -1;

/** The positions behind the elements of a pattern that match one character, each found once. */
class PositionRow {
  readonly #pattern: readonly string[];
  readonly #character: string;
  readonly #behind: Int32Array;

  constructor(pattern: readonly string[], character: string) {
    this.#pattern = pattern;
    this.#character = character;
    this.#behind = new Int32Array(pattern.length + 1).fill(UNKNOWN);
  }

  /** NO_MATCH when the element at `at` does not match. */
  behind(at: number): number {
    const known = this.#behind[at] ?? NO_MATCH;
    if (known !== UNKNOWN) return known;
    const behind = positionBehind(this.#pattern, at, this.#character) ?? NO_MATCH;
    this.#behind[at] = behind;
    return behind;
  }
}

/** The rows of a pattern by character: a class is read once for each character. */
class PositionTable {
  readonly #pattern: readonly string[];
  readonly #rows = new Map<string, PositionRow>();

  constructor(pattern: readonly string[]) {
    this.#pattern = pattern;
  }

  row(character: string): PositionRow {
    const known = this.#rows.get(character);
    if (known !== undefined) return known;
    if (this.#rows.size >= CHARACTERS_MAX) this.#rows.clear();
    const row = new PositionRow(this.#pattern, character);
    this.#rows.set(character, row);
    return row;
  }
}

/** A pattern that matches `text` alone. */
export function literalGlob(text: string): string {
  return text.replaceAll(/[*?[\]\\]/g, String.raw`\$&`);
}

/** The positions of a pattern up to which the characters read so far can have matched. */
class ReachablePositions {
  readonly #pattern: readonly string[];
  #current: number[] = [];
  #next: number[] = [];
  /** Per position, the step that added it last: no position is added twice in one step. */
  readonly #addedIn: Uint32Array;
  #step = 0;

  constructor(pattern: readonly string[]) {
    this.#pattern = pattern;
    this.#addedIn = new Uint32Array(pattern.length + 1);
  }

  start(): void {
    this.#addedIn.fill(0);
    this.#step = 1;
    this.#next.length = 0;
    this.#add(0);
    this.#swap();
  }

  /** False when the pattern matches no text that begins like this. */
  advance(row: PositionRow): boolean {
    this.#step += 1;
    for (const position of this.#current) {
      if (this.#pattern[position] === '*') this.#add(position);
      else this.#add(row.behind(position));
    }
    this.#swap();
    return this.#current.length > 0;
  }

  includeEnd(): boolean {
    return this.#current.includes(this.#pattern.length);
  }

  /** With a star, also the position behind it: a star matches no text as well. */
  #add(position: number): void {
    if (position === NO_MATCH) return;
    for (let at = position; this.#addedIn[at] !== this.#step; at += 1) {
      this.#addedIn[at] = this.#step;
      this.#next.push(at);
      if (this.#pattern[at] !== '*') return;
    }
  }

  #swap(): void {
    const done = this.#current;
    this.#current = this.#next;
    this.#next = done;
    done.length = 0;
  }
}

/** The position behind the element at `at`; undefined when it does not match the character. */
function positionBehind(pattern: readonly string[], at: number, character: string): number | undefined {
  const element = pattern[at];
  if (element === undefined) return undefined;
  if (element === '?') return at + 1;
  if (element === '[') return positionBehindClass(pattern, at + 1, character);
  if (element === '\\') return pattern[at + 1] === character ? at + 2 : undefined;
  return element === character ? at + 1 : undefined;
}

/**
 * A class, from behind its bracket: characters and ranges in either direction, up to the first `]`
 * that is not the end of a range. As in Tcl, a class without `]` reaches to the end of the pattern.
 */
function positionBehindClass(
  pattern: readonly string[],
  start: number,
  character: string,
): number | undefined {
  for (let at = start; at < pattern.length && pattern[at] !== ']'; at += 1) {
    const first = pattern[at] ?? '';
    let last = first;
    if (pattern[at + 1] === '-') {
      at += 2;
      if (at >= pattern.length) return undefined;
      last = pattern[at] ?? '';
    }
    if (!isBetween(character, first, last)) continue;
    const end = pattern.indexOf(']', at + 1);
    return end < 0 ? pattern.length : end + 1;
  }
  return undefined;
}

function isBetween(character: string, first: string, last: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  const [one, other] = [first.codePointAt(0) ?? 0, last.codePointAt(0) ?? 0];
  return Math.min(one, other) <= code && code <= Math.max(one, other);
}
