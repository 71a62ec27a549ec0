/** Draws mutations at random, each at most once. Used by the mutation run. Pure. */
import { randomBits } from '../../simulator/random.js';

/** `count` of the items, or all when there are fewer; the same for the same seed and items. */
export function draw<T>(items: readonly T[], count: number, seed: number): T[] {
  const random = randomBits(seed);
  const rest = [...items];
  const drawn: T[] = [];
  while (drawn.length < count && rest.length > 0) {
    const at = Math.floor((random() / 2 ** 32) * rest.length);
    drawn.push(rest[at] as T);
    rest[at] = rest.at(-1) as T;
    rest.pop();
  }
  return drawn;
}
