/**
 * Bringing a display memory up to date while others read it without any word that tells them so, as
 * C viewers do: in an order in which no spectrum is ever seen under another's title, axes or place.
 * Pure.
 */
import type { ChangedRanges } from '../flow/flow-file/image.js';
import {
  DISPLAY_SLOTS,
  STATISTICS_OFFSET,
  TYPES_RANGE,
  bindingDiffers,
  clearBinding,
} from './display-memory.js';

/**
 * Copies the ranges in which `next` differs. Slots that are defined otherwise are free while they
 * change: first their types go, then everything else is copied, then the types come back.
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

/** Copies what of the ranges lies in [from, to). */
function copy(memory: Buffer, next: Buffer, ranges: ChangedRanges, from: number, to: number): void {
  for (const [start, end] of ranges) {
    const first = Math.max(start, from);
    const last = Math.min(end, to);
    if (first < last) next.copy(memory, first, first, last);
  }
}
