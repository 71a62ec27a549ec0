/**
 * Updates a display memory (SpecTcl's shared memory of spectra) in place while viewers read it
 * without synchronization, as C viewers do: in an order in which no viewer sees a spectrum with the
 * title, axes or position of another. Used by duplicators for the image of a mirror and for System
 * V memories. Pure.
 */
import type { ChangedRanges } from '../flow/flow-file/image.js';
import { DISPLAY_SLOTS, STATISTICS_OFFSET } from './display-memory.js';
import { TYPES_RANGE, bindingDiffers, clearBinding } from './display-writer.js';

/**
 * Copies the ranges in which `next` differs. Slots whose definition changes are free meanwhile:
 * their types are cleared first, then all other ranges are copied, then the types.
 */
export function updateDisplay(memory: Buffer, next: Buffer, ranges: ChangedRanges): void {
  const headerChanges = ranges.some(([start]) => start < STATISTICS_OFFSET);
  if (headerChanges) {
    for (let slot = 0; slot < DISPLAY_SLOTS; slot += 1) {
      if (bindingDiffers(memory, next, slot)) clearBinding(memory, slot);
    }
  }
  const [typesStart, typesEnd] = TYPES_RANGE;
  copy(memory, next, ranges, 0, typesStart);
  copy(memory, next, ranges, typesEnd, next.byteLength);
  if (headerChanges) next.copy(memory, typesStart, typesStart, typesEnd);
}

/** Copies the parts of the ranges that lie in [from, to). */
function copy(memory: Buffer, next: Buffer, ranges: ChangedRanges, from: number, to: number): void {
  for (const [start, end] of ranges) {
    const first = Math.max(start, from);
    const last = Math.min(end, to);
    if (first < last) next.copy(memory, first, first, last);
  }
}
