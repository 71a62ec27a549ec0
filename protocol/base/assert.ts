/**
 * Checks of what the code relies on, most of them of a layout when its module loads. Not those of
 * node:assert, which takes 3 ms to load at every start of a program. Imported by every folder.
 */
export function assert(condition: unknown, message = 'an assertion does not hold'): asserts condition {
  if (!condition) throw new Error(message);
}

export function assertEqual(value: number | string | undefined, expected: number | string): void {
  assert(value === expected, `found ${value}, expected ${expected}`);
}
