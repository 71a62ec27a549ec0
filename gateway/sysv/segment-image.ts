/**
 * A display memory that others read while it is written, without any word that tells them so, as C viewers do: brought up to date in an order in
 * which no spectrum is ever seen under another's title, axes or place. Pure.
 */
import { changedRanges, type ChangedRanges } from '../../protocol/flow-file/image.js';
import {
  DISPLAY_HEADER_BYTES,
  DISPLAY_SLOTS,
  STATISTICS_OFFSET,
  TYPES_RANGE,
  bindingDiffers,
  clearBinding,
} from '../../protocol/spectcl/display-memory.js';

/**
 * Makes `image` what `next` is. Slots that are defined otherwise are free while they change: first their types go, then everything else
 * is copied (changed blocks only), then the types come back.
 * @param previousSize bytes that the memory before defined; what lies beyond `next` becomes zero
 */
export function bringUpToDate(image: Buffer, next: Buffer, previousSize: number): void {
  const ranges = changedRanges(image, next, 0, next.byteLength);
  const headerChanges = ranges.some(([start]) => start < STATISTICS_OFFSET);
  if (headerChanges) {
    for (let slot = 0; slot < DISPLAY_SLOTS; slot += 1) {
      if (bindingDiffers(image, next, slot)) clearBinding(image, slot);
    }
  }
  const [typesStart, typesEnd] = TYPES_RANGE;
  copy(image, next, ranges, 0, typesStart);
  copy(image, next, ranges, typesEnd, next.byteLength);
  if (previousSize > next.byteLength) {
    image.fill(0, Math.max(next.byteLength, DISPLAY_HEADER_BYTES), Math.min(previousSize, image.byteLength));
  }
  if (headerChanges) next.copy(image, typesStart, typesStart, typesEnd);
}

/** Copies what of the ranges lies in [from, to). */
function copy(image: Buffer, next: Buffer, ranges: ChangedRanges, from: number, to: number): void {
  for (const [start, end] of ranges) {
    const first = Math.max(start, from);
    const last = Math.min(end, to);
    if (first < last) next.copy(image, first, first, last);
  }
}
