/**
 * Collects buffers of a flow, as wire frames, into groups: as many whole buffers as fit into one
 * parcel (the content of one NATS message), or one larger buffer alone. Used by BufferPublisher.
 * Memory only: it has copies of the buffers of the present group.
 */
import { FRAME_BYTES, FrameKind, encodeHeader } from '../../protocol/flow/wire/frame.js';

export interface PublishedBuffer {
  readonly epoch: number;
  readonly sequence: number;
  readonly timestampNs: number;
  /** Flags of its slot, the generation among them. */
  readonly slotFlags: number;
  readonly bytes: Uint8Array;
}

/** The buffers of one group. */
export interface BufferGroup {
  readonly epoch: number;
  readonly first: number;
  /** The sequence behind the last one. */
  readonly next: number;
  readonly frames: readonly Buffer[];
}

export class BufferBatch {
  readonly #roomBytes: number;
  #frames: Buffer[] = [];
  #bytes = 0;
  #epoch = 0;
  #first = 0;
  #next = 0;

  /** `roomBytes`: most bytes of frames in a parcel. */
  constructor(roomBytes: number) {
    this.#roomBytes = roomBytes;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  /** Whether the buffer belongs into the present group; if not, `take` it first. */
  hasRoomFor({ epoch, bytes }: PublishedBuffer): boolean {
    if (this.isEmpty) return true;
    return epoch === this.#epoch && this.#bytes + FRAME_BYTES + bytes.length <= this.#roomBytes;
  }

  /** Copies the buffer. */
  add({ epoch, sequence, timestampNs, slotFlags, bytes }: PublishedBuffer): void {
    const frame = Buffer.allocUnsafeSlow(FRAME_BYTES + bytes.length);
    encodeHeader(frame, 0, {
      kind: FrameKind.BUFFER,
      length: bytes.length,
      sequence,
      value: timestampNs,
      detail: slotFlags,
      bits: 0,
      crc: 0,
    });
    frame.set(bytes, FRAME_BYTES);
    if (this.isEmpty) {
      this.#epoch = epoch;
      this.#first = sequence;
    }
    this.#next = sequence + 1;
    this.#frames.push(frame);
    this.#bytes += frame.length;
  }

  /** The group so far; the batch is empty afterwards. */
  take(): BufferGroup {
    const group = { epoch: this.#epoch, first: this.#first, next: this.#next, frames: this.#frames };
    this.#frames = [];
    this.#bytes = 0;
    return group;
  }
}
