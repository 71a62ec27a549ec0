/**
 * The publication that changed each block of a mirror's memory last. Kept by the duplicator that
 * publishes the mirror, and read by the senders of its remote receivers: of two publications a and
 * b > a, only blocks that changed after a can differ, so no memory needs to be compared. Pure.
 */
import { IMAGE_BLOCK_BYTES, type ChangedRanges } from '../flow-file/image.js';

export class BlockHistory {
  /** Per block, the sequence of the publication that changed it last, plus 1; 0 for none. */
  readonly changed: Float64Array;
  #size = 0;

  /**
   * `published`: number of publications by the predecessor in a file that was taken over; their
   * changes are unknown, so a receiver with fewer needs every block.
   */
  constructor(memoryBytes: number, published = 0) {
    this.changed = new Float64Array(Math.ceil(memoryBytes / IMAGE_BLOCK_BYTES)).fill(published);
    if (published > 0) this.#size = memoryBytes;
  }

  /**
   * Records that publication `sequence` of `size` bytes changed these ranges. Bytes that a change
   * of the size adds or removes count as changed.
   */
  record(sequence: number, ranges: ChangedRanges, size: number): void {
    for (const [start, end] of ranges) this.#mark(start, end, sequence + 1);
    if (size !== this.#size) this.#mark(Math.min(size, this.#size), Math.max(size, this.#size), sequence + 1);
    this.#size = size;
  }

  #mark(start: number, end: number, version: number): void {
    this.changed.fill(version, Math.floor(start / IMAGE_BLOCK_BYTES), Math.ceil(end / IMAGE_BLOCK_BYTES));
  }
}
