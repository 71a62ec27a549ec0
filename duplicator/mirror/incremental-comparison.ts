/**
 * Compares an update of a mirror with the image (the newest publication) while the update arrives:
 * each piece is compared while it is in the processor's cache and the source prepares the next one.
 * When another update is published in between, the ranges that it changed are compared again at the
 * end. One object per update, made by MirrorPublisher. Pure: reads the two memories only.
 */
import { mergeRanges } from '../../protocol/base/byte-ranges.js';
import { IMAGE_BLOCK_BYTES, changedRanges, type ChangedRanges } from '../../protocol/flow/flow-file/image.js';

/** A call for a smaller piece would cost more than its comparison. */
const PIECE_BYTES = 64 * 1024;

export class IncrementalComparison {
  /** Where the update is received. */
  readonly memory: Buffer;
  readonly #image: Buffer;
  readonly #from: number;
  /** Bytes below this offset have been compared. */
  #comparedEnd: number;
  #differing: [start: number, end: number][] = [];
  /** Ranges of the image that changed after they may have been compared. */
  #outdated: (readonly [start: number, end: number])[] = [];

  /** `memory` is received from offset `from` on; both are whole display memories. */
  constructor(image: Buffer, memory: Buffer, from: number) {
    this.#image = image;
    this.memory = memory;
    this.#from = from;
    this.#comparedEnd = from;
  }

  /** All bytes of the memory below `end` have arrived. */
  arrived(end: number): void {
    if (end - this.#comparedEnd >= PIECE_BYTES) this.#compare(end - (end % IMAGE_BLOCK_BYTES));
  }

  /** Another update was published, which changed these ranges of the image. */
  imageChanged(ranges: ChangedRanges): void {
    if (this.#comparedEnd > this.#from) this.#outdated.push(...ranges);
  }

  /**
   * The ranges below `end` in which the memory, all arrived now, differs from the present image.
   */
  finish(end: number): ChangedRanges {
    this.#compare(end);
    if (this.#outdated.length === 0) return this.#differing;
    const candidates = mergeRanges([...this.#differing, ...this.#outdated]);
    return candidates.flatMap(([start, stop]) => {
      const from = Math.max(start, this.#from);
      const to = Math.min(stop, end);
      return from < to ? changedRanges(this.#image, this.memory, from, to) : [];
    });
  }

  #compare(end: number): void {
    for (const [start, stop] of changedRanges(this.#image, this.memory, this.#comparedEnd, end)) {
      const last = this.#differing.at(-1);
      if (last !== undefined && last[1] === start) last[1] = stop;
      else this.#differing.push([start, stop]);
    }
    this.#comparedEnd = Math.max(this.#comparedEnd, end);
  }
}
