/**
 * A slot of a provider's ring, as a program reserves, fills and commits it. One object per slot of
 * the ring, used again when the ring comes round: nothing is allocated per buffer. Made by
 * OutputRing. Does no I/O; `data` is the mapped file.
 */
import type { CommitOptions, OutputSlot } from './output-slot.js';

/**
 * `free`: not reserved; `reserved`: the program fills it; `committed`: complete, and an earlier
 * slot is still reserved; `abandoned`: given back, and a later slot is pending.
 */
export type SlotState = 'free' | 'reserved' | 'committed' | 'abandoned';

/** Carries out what a program asks of its slot: OutputBuffers. */
export interface SlotOwner {
  commit(slot: RingSlot, size: number, options: CommitOptions | undefined): void;
  abandon(slot: RingSlot): void;
}

export class RingSlot implements OutputSlot {
  readonly data: Buffer;
  /** The ring that the slot belongs to; a reattachment replaces the ring. */
  readonly ring: object;
  /** Place in the ring. */
  readonly index: number;
  state: SlotState = 'free';
  /** What a commit stated, while an earlier slot is reserved. */
  size = 0;
  timestampNs = 0;
  flags = 0;
  readonly #owner: SlotOwner;

  constructor(owner: SlotOwner, ring: object, index: number, data: Buffer) {
    this.#owner = owner;
    this.ring = ring;
    this.index = index;
    this.data = data;
  }

  commit(size: number, options?: CommitOptions): void {
    this.#owner.commit(this, size, options);
  }

  abandon(): void {
    this.#owner.abandon(this);
  }
}
