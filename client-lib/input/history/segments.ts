/**
 * The memory of a history: segments of buffers, added one at a time and given back one at a time.
 * Each thread has its own table of the same segments; a segment travels to the other thread once,
 * as a message.
 *
 * ```
 * buffer, at a multiple of 64 in its segment
 *    0 ┌───────────────┬───────────────┬───────────────┬─────────┬─────────┐
 *      │ sequence      │ epoch         │ timestampNs   │ size    │ flags   │
 *   64 ├───────────────┴───────────────┴───────────────┴─────────┴─────────┤
 *      │ payload, up to the flow's payloadCapacity                         │
 *      └───────────────────────────────────────────────────────────────────┘
 * ```
 */
import { Words } from '../../../protocol/flow/flow-file/words.js';

const CACHE_LINE_BYTES = 64;

/** Byte offsets in a buffer. */
export const RECORD = {
  sequence: 0,
  epoch: 8,
  timestampNs: 16,
  size: 24,
  flags: 28,
  payload: CACHE_LINE_BYTES,
} as const;

/** Bytes from one buffer of a segment to the next. */
export function recordStride(payloadCapacity: number): number {
  return RECORD.payload + Math.ceil(payloadCapacity / CACHE_LINE_BYTES) * CACHE_LINE_BYTES;
}

export interface Segment {
  /** Grows with every segment of a history; never used twice. */
  readonly id: number;
  /** Number of its first buffer; the others follow. */
  readonly first: number;
  readonly count: number;
  readonly stride: number;
  readonly memory: SharedArrayBuffer;
}

interface Place {
  readonly segment: Segment;
  readonly words: Words;
  /** Byte offset of the buffer in its segment. */
  readonly offset: number;
  /** The whole payload area. */
  readonly area: Buffer;
}

export class SegmentTable {
  readonly #places: (Place | undefined)[] = [];

  add(segment: Segment): void {
    const words = new Words(new Uint8Array(segment.memory));
    for (let buffer = 0; buffer < segment.count; buffer += 1) {
      const offset = buffer * segment.stride;
      const area = Buffer.from(segment.memory, offset + RECORD.payload, segment.stride - RECORD.payload);
      this.#places[segment.first + buffer] = { segment, words, offset, area };
    }
  }

  /** Lets go of a segment's memory; places that another segment has taken since stay. */
  remove(id: number): void {
    for (let index = 0; index < this.#places.length; index += 1) {
      if (this.#places[index]?.segment.id === id) this.#places[index] = undefined;
    }
  }

  has(index: number): boolean {
    return this.#places[index] !== undefined;
  }

  /**
   * The buffer's place; a RangeError for one without memory, which would be a fault of this
   * library.
   */
  at(index: number): Place {
    const place = this.#places[index];
    if (place === undefined) throw new RangeError(`the history has no buffer ${index}`);
    return place;
  }
}
