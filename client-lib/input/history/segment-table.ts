/**
 * The memory of a history (a consumer's own ring of buffers): segments of shared memory, each for
 * some buffers, allocated and freed one at a time. Used by both ends of the history, each with its
 * own table of the same segments; the flow thread posts a new segment to the main thread once.
 *
 * ```
 * a buffer, at a multiple of 64 bytes in its segment
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
  /** Unique within a history, ascending. */
  readonly id: number;
  /** Number of its first buffer; the others follow it. */
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
  /** View of the payload, used again while the sizes stay the same. */
  view: Uint8Array;
}

export class SegmentTable {
  readonly #places: (Place | undefined)[] = [];

  add(segment: Segment): void {
    const words = new Words(new Uint8Array(segment.memory));
    for (let buffer = 0; buffer < segment.count; buffer += 1) {
      const offset = buffer * segment.stride;
      const area = Buffer.from(segment.memory, offset + RECORD.payload, segment.stride - RECORD.payload);
      this.#places[segment.first + buffer] = { segment, words, offset, area, view: area };
    }
  }

  /** Drops a segment; buffer numbers that another segment has reused stay. */
  remove(id: number): void {
    for (let index = 0; index < this.#places.length; index += 1) {
      if (this.#places[index]?.segment.id === id) this.#places[index] = undefined;
    }
  }

  /**
   * Place of a buffer. Throws RangeError for a number without memory, which is a defect of this
   * library.
   */
  at(index: number): Place {
    const place = this.#places[index];
    if (place === undefined) throw new RangeError(`the history has no buffer ${index}`);
    return place;
  }
}
