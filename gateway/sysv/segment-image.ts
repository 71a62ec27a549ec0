/** A System V segment brought up to date from a publication. Pure. */
import { changedRanges } from '../../protocol/flow/flow-file/image.js';
import { DISPLAY_HEADER_BYTES } from '../../protocol/spectcl/display-memory.js';
import { updateDisplay } from '../../protocol/spectcl/display-update.js';

/**
 * Makes `image` what `next` is, in the order that readers without a lock need.
 * @param previousSize bytes that the memory before defined; what lies beyond `next` becomes zero
 */
export function bringUpToDate(image: Buffer, next: Buffer, previousSize: number): void {
  updateDisplay(image, next, changedRanges(image, next, 0, next.byteLength));
  if (previousSize > next.byteLength) {
    image.fill(0, Math.max(next.byteLength, DISPLAY_HEADER_BYTES), Math.min(previousSize, image.byteLength));
  }
}
