/**
 * Finds what an update changes while it arrives: each piece is compared with the image as soon as
 * it is there, while it is warm in the cache and the source is busy with the next. Should another
 * update be published in between, what that one changed is compared again at the end.
 */
import { mergeRanges } from '../../protocol/base/byte-ranges.js';
import { IMAGE_BLOCK_BYTES, changedRanges, type ChangedRanges } from '../../protocol/flow/flow-file/image.js';

/** Pieces smaller than this wait for more: a call would cost more than the comparison. */
const PIECE_BYTES = 64 * 1024;

export class ArrivalScan {
  readonly memory: Buffer;
  readonly #image: Buffer;
  readonly #from: number;
  #compared: number;
  #found: [number, number][] = [];
  #outdated: (readonly [number, number])[] = [];

  /**
   * `memory` is received from offset `from` on and compared with `image`; both are whole memories.
   */
  constructor(image: Buffer, memory: Buffer, from: number) {
    this.#image = image;
    this.memory = memory;
    this.#from = from;
    this.#compared = from;
  }

  /** Everything below `end` of the memory has arrived. */
  arrived(end: number): void {
    if (end - this.#compared >= PIECE_BYTES) this.#compare(end - (end % IMAGE_BLOCK_BYTES));
  }

  /** The image has got another publication, in these ranges. */
  imageChanged(ranges: ChangedRanges): void {
    if (this.#compared > this.#from) this.#outdated = [...this.#outdated, ...ranges];
  }

  /**
   * Where the memory differs from the image as it is now, up to `end`, all of which has arrived.
   */
  finish(end: number): ChangedRanges {
    this.#compare(end);
    if (this.#outdated.length === 0) return this.#found;
    const suspects = mergeRanges([...this.#found, ...this.#outdated]);
    return suspects.flatMap(([start, stop]) => {
      const from = Math.max(start, this.#from);
      const to = Math.min(stop, end);
      return from < to ? changedRanges(this.#image, this.memory, from, to) : [];
    });
  }

  #compare(end: number): void {
    for (const [start, stop] of changedRanges(this.#image, this.memory, this.#compared, end)) {
      const last = this.#found.at(-1);
      if (last !== undefined && last[1] === start) last[1] = stop;
      else this.#found.push([start, stop]);
    }
    this.#compared = Math.max(this.#compared, end);
  }
}
