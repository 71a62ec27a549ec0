/**
 * When each block of a mirror's memory changed last, so that what somebody is missing is known
 * without comparing anything: of two publications a and b > a, exactly the blocks that changed
 * after a may differ. One array for all who ask.
 */
import { IMAGE_BLOCK_BYTES, type ChangedRanges } from '../flow-file/image.js';

export class BlockHistory {
  /** Per block, the sequence of the publication that changed it last, plus 1; 0: never. */
  readonly changed: Float64Array;
  #size = 0;

  /**
   * `published`: what a predecessor published into a file that was taken over; whoever has less
   * than that has nothing of use.
   */
  constructor(memoryBytes: number, published = 0) {
    this.changed = new Float64Array(Math.ceil(memoryBytes / IMAGE_BLOCK_BYTES)).fill(published);
    if (published > 0) this.#size = memoryBytes;
  }

  /**
   * Publication `sequence` of `size` bytes changed these ranges. What a change of the size uncovers
   * or hides counts as changed.
   */
  note(sequence: number, ranges: ChangedRanges, size: number): void {
    for (const [start, end] of ranges) this.#mark(start, end, sequence + 1);
    if (size !== this.#size) this.#mark(Math.min(size, this.#size), Math.max(size, this.#size), sequence + 1);
    this.#size = size;
  }

  #mark(start: number, end: number, version: number): void {
    this.changed.fill(version, Math.floor(start / IMAGE_BLOCK_BYTES), Math.ceil(end / IMAGE_BLOCK_BYTES));
  }
}
