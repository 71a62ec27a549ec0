/**
 * The memory of a file that a flow or a mirror does not map any more, after it was attached to
 * another duplicator. Where that has a file of its own the old one is removed, and its memory is
 * only given back with the objects that map it. Called by what reattaches. Schedules a garbage
 * collection of this thread.
 */
import { collectGarbageSoon } from '../../protocol/base/collect-garbage.js';

/** Less is left to the collections that V8 makes by itself. */
const COLLECTED_BYTES = 2 ** 20;

let left = 0;

/** `bytes`: the size of the mappings that are not used any more. */
export function leftMapping(bytes: number): void {
  left += bytes;
  if (left < COLLECTED_BYTES) return;
  left = 0;
  collectGarbageSoon();
}
