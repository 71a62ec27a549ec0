/**
 * Patterns for names of spectra, as in SpecTcl: `*`, `?`, `[a-z]`, and a backslash that takes the
 * next character as it is.
 */

type Element = 'star' | ((character: string) => boolean);

/**
 * A test for names. A name that is the very pattern always passes, since names such as `raw[00]`
 * are common. Never takes longer than the pattern's length times the name's.
 */
export function globMatcher(pattern: string): (name: string) => boolean {
  const elements = parse(Array.from(pattern));
  return (name) => name === pattern || matches(elements, Array.from(name));
}

function parse(pattern: readonly string[]): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at] ?? '';
    const end = character === '[' ? pattern.indexOf(']', at + 1) : -1;
    if (character === '*') elements.push('star');
    else if (character === '?') elements.push(() => true);
    else if (end > at) {
      elements.push(anyOf(pattern.slice(at + 1, end)));
      at = end;
    } else {
      if (character === '\\' && at + 1 < pattern.length) at += 1;
      const literal = pattern[at];
      elements.push((found) => found === literal);
    }
  }
  return elements;
}

function anyOf(inside: readonly string[]): (character: string) => boolean {
  const ranges: (readonly [string, string])[] = [];
  for (let at = 0; at < inside.length; at += 1) {
    const low = inside[at] ?? '';
    const high = inside[at + 1] === '-' ? inside[at + 2] : undefined;
    ranges.push([low, high ?? low]);
    if (high !== undefined) at += 2;
  }
  return (character) => ranges.some(([low, high]) => character >= low && character <= high);
}

/**
 * Goes back to the last star only: whatever an earlier one could take, the last one can as well.
 */
function matches(elements: readonly Element[], name: readonly string[]): boolean {
  let element = 0;
  let at = 0;
  let star: { readonly element: number; at: number } | undefined;
  while (at < name.length) {
    const here = elements[element];
    if (here === 'star') {
      star = { element, at };
      element += 1;
    } else if (here?.(name[at] ?? '') === true) {
      element += 1;
      at += 1;
    } else if (star !== undefined) {
      star.at += 1;
      at = star.at;
      element = star.element + 1;
    } else return false;
  }
  return elements.slice(element).every((rest) => rest === 'star');
}
