/**
 * A flow file's ring for its provider: reserves slots as far as credit (the sequence below which
 * may be written) allows, completes them in the order of their reservation, and gives unused ones
 * back. One per attachment, used by OutputFlow. Reads and writes the mapped file.
 *
 * ```
 *        published ≤ next                     tail                claimed ≤ credit
 *  ────────────┬───────┬────────────────────────┬────────────────────┬──────────────
 *    readable  │ whole │ pending: reserved,     │ may be cleared     │ old buffers
 *              │       │ committed or abandoned │ without a check    │
 * ```
 *
 * A committed slot behind a reserved one is completed when that one is. Sequences are given at
 * completion, without gaps: the slots behind an abandoned one are moved down, by one copy each.
 *
 * The duplicator may reduce the credit until slots are claimed: the claim is stored first, the
 * credit loaded after it, so that one of the two processes sees the other. A slot is cleared when
 * it is reserved, below the claim, and never restored. The fence between claim and credit costs as
 * much as a small buffer, so several slots are claimed with one.
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import { GENERATION_SHIFT, TYPE_FLAGS_MASK } from '../../protocol/flow/flow-file/layout.js';
import { RingWriter } from '../../protocol/flow/flow-file/ring-writer.js';
import { RingSlot, type SlotOwner } from './ring-slot.js';
import type { WholeBuffer } from './write-backlog.js';

/**
 * Most slots that are claimed together, and the largest share of the ring (one in so many): a
 * consumer that joins later does not get the old buffers of claimed slots.
 */
const CLAIM_SLOTS_MAX = 64;
const CLAIM_SHARE = 64;
/** Parts of the ring: after each of them the duplicator is signalled, at any rate. */
const QUARTER = 4;

export class OutputRing {
  readonly file: FlowFile;
  /** Buffers of a quarter of the ring, 1 at least. */
  readonly quarter: number;
  readonly #owner: SlotOwner;
  readonly #writer: RingWriter;
  readonly #generation: number;
  readonly #claimTogether: number;
  readonly #slots: (RingSlot | undefined)[];
  /**
   * Indices of the slots at `head` and `tail` and their distances, not their positions: integers,
   * since a division or an addition of doubles per buffer would cost as much as the buffer.
   */
  #headIndex = 0;
  #tailIndex = 0;
  /** Slots from head to tail. */
  #pending = 0;
  /** Slots from tail to claimed. */
  #room = 0;
  /** Bytes of all buffers of the flow, those of earlier providers included. */
  #bytes = 0;
  readonly #firstBytes: number;
  readonly #first: number;

  /** `generation`: number of this provider, stored in the flags of its slots. */
  constructor(file: FlowFile, generation: number, owner: SlotOwner) {
    this.file = file;
    this.#owner = owner;
    this.#writer = new RingWriter(file);
    this.#first = this.#writer.next;
    this.#firstBytes = file.counter(COUNTERS.publishedBytes.id);
    this.#bytes = this.#firstBytes;
    this.#generation = (generation << GENERATION_SHIFT) >>> 0;
    const { slotCount } = file.geometry;
    this.quarter = Math.max(1, Math.floor(slotCount / QUARTER));
    this.#claimTogether = Math.max(1, Math.min(CLAIM_SLOTS_MAX, Math.floor(slotCount / CLAIM_SHARE)));
    this.#slots = Array.from({ length: slotCount });
    this.#headIndex = this.#writer.index;
    this.#tailIndex = this.#headIndex;
  }

  /** Sequence of the next buffer: of the oldest pending slot while slots are pending. */
  get next(): number {
    return this.#writer.next;
  }

  get published(): number {
    return this.#writer.published;
  }

  /** Buffers and bytes that were completed here. */
  get written(): { readonly buffers: number; readonly bytes: number } {
    return { buffers: this.#writer.next - this.#first, bytes: this.#bytes - this.#firstBytes };
  }

  /** Buffers that can be reserved now. */
  get free(): number {
    return Math.max(0, this.#credit - this.#tail);
  }

  /**
   * Published count of the newest signal with an optional answer that the duplicator has handled:
   * up to it no answer is outstanding.
   */
  get heard(): number {
    return this.file.heard;
  }

  /** The next slot, the caller's until it is committed or abandoned; undefined without credit. */
  reserve(): RingSlot | undefined {
    if (this.#room === 0 && !this.#claim()) return undefined;
    const index = this.#tailIndex;
    this.#writer.clear(index);
    const slot = this.#slots[index] ?? this.#makeSlot(index);
    slot.state = 'reserved';
    this.#room -= 1;
    this.#pending += 1;
    this.#tailIndex = this.#after(index);
    return slot;
  }

  /**
   * Completes a reserved slot, now or when all before it are complete. `flags` of the flow type, 0
   * to 65,535. True when a quarter of the ring waits to be published.
   */
  commit(slot: RingSlot, size: number, timestampNs: number, flags: number): boolean {
    const writer = this.#writer;
    if (slot.index === writer.index) {
      slot.state = 'free';
      this.#bytes += size;
      writer.commit(size, timestampNs, (this.#generation | flags) >>> 0);
      this.#headIndex = writer.index;
      this.#pending -= 1;
      if (this.#pending !== 0) this.#settle();
    } else this.#commitLater(slot, size, timestampNs, flags);
    return writer.unpublished >= this.quarter;
  }

  /** Gives a reserved slot back. */
  abandon(slot: RingSlot): void {
    slot.state = 'abandoned';
    for (let last = this.#newest(); last?.state === 'abandoned'; last = this.#newest()) {
      last.state = 'free';
      this.#tailIndex = last.index;
      this.#pending -= 1;
      this.#room += 1;
    }
    this.#settle();
  }

  /** Gives all reserved slots back; committed ones are completed. */
  abandonAll(): void {
    for (const slot of this.#pendingSlots()) if (slot.state === 'reserved') slot.state = 'abandoned';
    this.#settle();
  }

  /**
   * Removes and returns the reserved and committed slots, in the order of reservation. The last
   * call for a ring: afterwards its positions no longer match its sequences.
   */
  takePending(): RingSlot[] {
    const pending = this.#pendingSlots().filter(({ state }) => state !== 'abandoned');
    this.#headIndex = this.#tailIndex;
    this.#pending = 0;
    return pending;
  }

  /** Publishes all completed buffers; returns the published count. */
  publish(): number {
    const { published } = this.#writer;
    const now = this.#writer.publish();
    if (now !== published) this.file.setCounter(COUNTERS.publishedBytes.id, this.#bytes);
    return now;
  }

  /** Copies of the published buffers from `sequence` on, for as long as the file stays mapped. */
  publishedFrom(sequence: number): WholeBuffer[] {
    const { file } = this;
    const buffers: WholeBuffer[] = [];
    const first = Math.max(sequence, this.published - file.geometry.slotCount);
    for (let at = first; at < this.published; at += 1) {
      if (!file.holds(at)) continue;
      const bytes = Buffer.from(file.payloadOf(at).subarray(0, file.slotSize(at)));
      const flags = file.slotFlags(at) & TYPE_FLAGS_MASK;
      buffers.push({ bytes, timestampNs: file.slotTimestampNs(at), flags });
    }
    return buffers;
  }

  /** Commits a slot behind a reserved or an abandoned one. */
  #commitLater(slot: RingSlot, size: number, timestampNs: number, flags: number): void {
    slot.state = 'committed';
    slot.size = size;
    slot.timestampNs = timestampNs;
    slot.flags = flags;
    if (slot.index === this.#headIndex) this.#settle();
  }

  /** Completes the oldest pending slots, up to the first that is still reserved. */
  #settle(): void {
    while (this.#pending > 0) {
      const slot = this.#at(this.#headIndex);
      if (slot.state === 'reserved') return;
      if (slot.state === 'committed') this.#complete(slot);
      slot.state = 'free';
      this.#headIndex = this.#after(slot.index);
      this.#pending -= 1;
    }
    // Abandoned slots are reserved again.
    const { index } = this.#writer;
    this.#room += this.#distance(index, this.#tailIndex);
    this.#headIndex = index;
    this.#tailIndex = index;
  }

  /**
   * Completes a slot under the next sequence, whose payload is another slot's after an abandoned
   * one.
   */
  #complete(slot: RingSlot): void {
    const writer = this.#writer;
    if (slot.index !== writer.index) this.#at(writer.index).data.set(slot.data.subarray(0, slot.size));
    this.#bytes += slot.size;
    writer.commit(slot.size, slot.timestampNs, (this.#generation | slot.flags) >>> 0);
  }

  /** The position at which the next slot is reserved. */
  get #tail(): number {
    const abandoned = this.#distance(this.#writer.index, this.#headIndex);
    return this.#writer.next + abandoned + this.#pending;
  }

  /** Slots from one index of the ring to another, 0 to slotCount - 1. */
  #distance(from: number, to: number): number {
    return to >= from ? to - from : to - from + this.#slots.length;
  }

  #after(index: number): number {
    return index + 1 === this.#slots.length ? 0 : index + 1;
  }

  /** The slot that was reserved last; undefined without pending ones. */
  #newest(): RingSlot | undefined {
    if (this.#pending === 0) return undefined;
    return this.#at(this.#tailIndex === 0 ? this.#slots.length - 1 : this.#tailIndex - 1);
  }

  #pendingSlots(): RingSlot[] {
    const slots: RingSlot[] = [];
    for (let index = this.#headIndex; slots.length < this.#pending; index = this.#after(index))
      slots.push(this.#at(index));
    return slots;
  }

  #at(index: number): RingSlot {
    return this.#slots[index] ?? this.#makeSlot(index);
  }

  #makeSlot(index: number): RingSlot {
    const slot = new RingSlot(this.#owner, this, index, this.file.payloadOf(index));
    this.#slots[index] = slot;
    return slot;
  }

  /** Claims the next slots, as far as there is credit. False without any. */
  #claim(): boolean {
    const { file } = this;
    const tail = this.#tail;
    const end = this.#writer.next + this.#slots.length; // whatever the mapped word holds
    const wanted = Math.min(this.#credit, tail + this.#claimTogether, end);
    if (wanted <= tail) return false;
    const before = file.claimed;
    if (wanted > before) file.claimed = wanted; // a store with a full fence
    // Loaded behind the fence, after the claim is stored: the duplicator may have lowered it.
    const credit = file.granted;
    this.#room = Math.max(0, Math.min(wanted, credit) - tail);
    // A predecessor's claim stays: it may have cleared those slots.
    if (credit < wanted && wanted > before) file.lowerClaimed(Math.max(before, credit));
    return this.#room > 0;
  }

  /**
   * The credit, loaded without a fence: it may be outdated. `#claim` loads it again behind its
   * fence.
   */
  get #credit(): number {
    return this.file.peekGranted();
  }
}
