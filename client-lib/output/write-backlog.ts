/**
 * The buffers of an output flow that wait on this side for room in its ring, oldest first: those
 * that were published in a file which is not the flow's any more, the slots that were reserved in a
 * ring whose link has ended, and those that a policy has queued. Used by OutputBuffers. Pure
 * memory, no I/O.
 */
import type { RingSlot } from './ring-slot.js';

interface WaitingBuffer {
  /** Undefined while the program still fills the slot. */
  bytes: Buffer | undefined;
  timestampNs: number;
  flags: number;
}

/** A buffer that was published in a file that is not the flow's any more. */
export interface WholeBuffer {
  readonly bytes: Buffer;
  readonly timestampNs: number;
  /** Of the flow type. */
  readonly flags: number;
}

/** Writes a buffer to the ring; false without room. */
export type PutBuffer = (bytes: Buffer, timestampNs: number, flags: number) => boolean;

export class WriteBacklog {
  /** Published in an earlier ring; they precede all others. */
  #published: WholeBuffer[] = [];
  /** Buffers from slots of an earlier ring, which precede the queue. */
  readonly #rescued = new Map<RingSlot, WaitingBuffer>();
  readonly #queue: WaitingBuffer[] = [];

  /** Nothing waits. A field, since every write looks at it. */
  isEmpty = true;

  /** Buffers that wait, reserved slots included. */
  get length(): number {
    return this.#published.length + this.#rescued.size + this.#queue.length;
  }

  /** Buffers that a policy has queued. */
  get queued(): number {
    return this.#queue.length;
  }

  push(bytes: Buffer, timestampNs: number): void {
    this.#queue.push({ bytes, timestampNs, flags: 0 });
    this.isEmpty = false;
  }

  /** Replaces the newest queued buffer; without one, nothing is kept. */
  replaceNewest(bytes: Buffer, timestampNs: number): void {
    if (this.#queue.length > 0) this.#queue[this.#queue.length - 1] = { bytes, timestampNs, flags: 0 };
  }

  /** Puts buffers in front of all others, oldest first: they are to be published again. */
  repeat(buffers: readonly WholeBuffer[]): void {
    this.#published = [...buffers, ...this.#published];
    this.isEmpty = this.length === 0;
  }

  /** Keeps the pending slots of a ring whose link has ended, in their order. */
  rescue(slots: readonly RingSlot[]): void {
    for (const slot of slots) {
      const bytes = slot.state === 'committed' ? Buffer.from(slot.data.subarray(0, slot.size)) : undefined;
      this.#rescued.set(slot, { bytes, timestampNs: slot.timestampNs, flags: slot.flags });
    }
    this.isEmpty = this.length === 0;
  }

  /** A rescued slot is committed: its bytes are copied. */
  complete(slot: RingSlot, size: number, timestampNs: number, flags: number): void {
    slot.state = 'free';
    const bytes = Buffer.from(slot.data.subarray(0, size));
    this.#rescued.set(slot, { bytes, timestampNs, flags });
    this.isEmpty = false;
  }

  /** A rescued slot is given back. */
  abandon(slot: RingSlot): void {
    slot.state = 'free';
    this.#rescued.delete(slot);
    this.isEmpty = this.length === 0;
  }

  /** Gives all slots back that the program has not committed. */
  abandonAll(): void {
    for (const [slot, { bytes }] of this.#rescued) if (bytes === undefined) this.abandon(slot);
  }

  /** Writes as many buffers as have room, in their order. */
  drain(put: PutBuffer): void {
    this.#drain(put);
    this.isEmpty = this.length === 0;
  }

  #drain(put: PutBuffer): void {
    for (let first = this.#published[0]; first !== undefined; first = this.#published[0]) {
      if (!put(first.bytes, first.timestampNs, first.flags)) return;
      this.#published.shift();
    }
    for (const [slot, { bytes, timestampNs, flags }] of this.#rescued) {
      if (bytes === undefined || !put(bytes, timestampNs, flags)) return;
      this.#rescued.delete(slot);
    }
    for (let first = this.#queue[0]; first?.bytes !== undefined; first = this.#queue[0]) {
      if (!put(first.bytes, first.timestampNs, first.flags)) return;
      this.#queue.shift();
    }
  }
}
