/**
 * The writing side of a flow file's ring of buffers: one writer per file, a provider in the client
 * library or a duplicator. Writes to the mapped file only.
 *
 * The order of its stores prevents torn buffers: clear the slot's sequence word, fill payload and
 * metadata, store the sequence word, then `published`. A cleared slot is never restored: the caller
 * begins a slot only when no lossless reader needs its previous buffer.
 */
import { HEADER_BYTES, missingWord, SLOT } from './layout.js';
import { slotOffset } from './geometry.js';
import type { FlowFile } from './flow-file.js';
import { highHalf, joinHalves, lowHalf, type Words } from './words.js';

const { sequence: SEQUENCE, timestampNs: TIMESTAMP, size: SIZE, flags: FLAGS } = SLOT;

export class RingWriter {
  readonly #file: FlowFile;
  readonly #words: Words;
  readonly #slotCount: number = 0;
  readonly #stride: number = 0;
  readonly #capacity: number = 0;
  /** Payload views, one per slot, created on first use: a view per buffer would be garbage. */
  readonly #payloads: (Buffer | undefined)[];
  /** The latest view per slot that includes the room for a frame's header. */
  readonly #framed: (Buffer | undefined)[] = [];
  /**
   * Halves of the next sequence, and the index and offset of its slot: integers, since a division
   * or an addition of doubles per buffer would cost as much as the buffer.
   */
  #low = 0;
  #high = 0;
  #index = 0;
  #offset = 0;
  /** The next slot is cleared. */
  #begun = false;
  #published = 0;
  /** Committed since. */
  #unpublished = 0;
  /** The latest timestamp and its halves: buffers of one event-loop turn share it. */
  #timestampNs = 0;
  #timestampLow = 0;
  #timestampHigh = 0;

  /** Continues at the file's `published` count. */
  constructor(file: FlowFile) {
    this.#file = file;
    this.#words = file.words;
    this.#slotCount = file.geometry.slotCount;
    this.#stride = file.geometry.slotStride;
    this.#capacity = file.geometry.payloadCapacity;
    this.#payloads = Array.from({ length: file.geometry.slotCount });
    this.#published = file.published;
    this.#goTo(this.#published);
  }

  /** The sequence that the next `begin` opens. */
  get next(): number {
    return joinHalves(this.#low, this.#high);
  }

  /** Index of that buffer's slot, 0 to slotCount - 1. */
  get index(): number {
    return this.#index;
  }

  /** Buffers that were committed since the last `publish`. */
  get unpublished(): number {
    return this.#unpublished;
  }

  get published(): number {
    return this.#published;
  }

  /**
   * Clears the slot of sequence `next + ahead` for writing: from now on readers of its previous
   * buffer see that they were lapped. The caller owns the returned payload (`payloadCapacity`
   * bytes) until `commit`. Repeated calls have no effect.
   * @param ahead slots beyond the next one, 0 to slotCount - 1
   */
  begin(ahead = 0): Buffer {
    const { geometry, words } = this.#file;
    if (ahead === 0) {
      if (!this.#begun) words.clear64(this.#offset + SLOT.sequence);
      this.#begun = true;
      return this.#payloads[this.#index] ?? this.#payload(this.#index);
    }
    const sequence = this.next + ahead;
    words.clear64(slotOffset(geometry, sequence) + SLOT.sequence);
    return this.#payload(sequence % geometry.slotCount);
  }

  /**
   * Clears the slot at `index` (0 to slotCount - 1) for a caller that keeps the payload views and
   * the order of the slots itself.
   */
  clear(index: number): void {
    this.#words.clear64(HEADER_BYTES + index * this.#stride + SEQUENCE);
  }

  /**
   * Clears the next slot like `begin`. Returns the room for a frame's header and the payload behind
   * it as one view, so that one read of a socket can fill both.
   */
  beginFramed(payloadBytes: number): Buffer {
    this.begin();
    const view = this.#framed[this.#index];
    if (view?.length === SLOT.payload - SLOT.frame + payloadBytes) return view;
    const created = this.#file.framedPayloadOf(this.#index, payloadBytes);
    this.#framed[this.#index] = created;
    return created;
  }

  /**
   * Marks the sequences from `next` to below `sequence` as missing, as far back as the ring holds
   * them. Readers count them as missed after `publish`. The previous buffers of these slots must
   * not be needed any more.
   */
  skipTo(sequence: number): void {
    const { geometry, words } = this.#file;
    const first = Math.max(this.next, sequence - geometry.slotCount);
    for (let missing = first; missing < sequence; missing += 1)
      words.store64(slotOffset(geometry, missing) + SLOT.sequence, missingWord(missing));
    this.#unpublished += Math.max(0, sequence - this.next);
    this.#goTo(sequence);
  }

  /**
   * Completes the next slot, which `begin` or `clear` cleared; readers see it after `publish`.
   * @param size bytes used of the payload, 0 to payloadCapacity
   * @param timestampNs wall-clock nanoseconds since 1970; a double keeps them to 256 ns
   */
  commit(size: number, timestampNs: number, flags = 0): void {
    if ((size | 0) !== size || size < 0 || size > this.#capacity) throw misfit(size, this.#capacity);
    const words = this.#words;
    const slot = this.#offset;
    if (timestampNs !== this.#timestampNs) this.#stamp(timestampNs);
    words.setPlainHalves(slot + TIMESTAMP, this.#timestampLow, this.#timestampHigh);
    words.setPlain32(slot + SIZE, size);
    words.setPlain32(slot + FLAGS, flags);
    const low = (this.#low + 1) | 0;
    if (low === 0) this.#high = (this.#high + 1) | 0;
    this.#low = low;
    words.completeHalves(slot + SEQUENCE, low, this.#high);
    this.#begun = false;
    this.#unpublished += 1;
    const index = this.#index + 1;
    const isLast = index === this.#slotCount;
    this.#index = isLast ? 0 : index;
    this.#offset = isLast ? HEADER_BYTES : slot + this.#stride;
  }

  /** Makes all committed buffers visible with one store. Returns the new `published` count. */
  publish(): number {
    if (this.#unpublished > 0) {
      this.#unpublished = 0;
      this.#published = this.next;
      this.#file.published = this.#published;
    }
    return this.#published;
  }

  /**
   * Starts sequences again from 0 under a new epoch, which must differ from every earlier one. The
   * file's epoch changes after every slot of the old epoch was cleared and before a slot of the new
   * one is written: a reader in the new epoch never sees an old buffer, and a reader in the old
   * epoch that copied new bytes detects the change when it checks the epoch.
   */
  restart(epoch: number): void {
    const { geometry, words } = this.#file;
    if (epoch === this.#file.epoch)
      throw new RangeError(`a ring cannot restart with its current epoch ${epoch}`);
    this.#file.published = 0;
    for (let index = 0; index < geometry.slotCount; index += 1)
      words.store64(slotOffset(geometry, index) + SLOT.sequence, 0);
    this.#file.epoch = epoch;
    this.#published = 0;
    this.#unpublished = 0;
    this.#goTo(0);
  }

  /** The next buffer gets this sequence. */
  #goTo(sequence: number): void {
    this.#low = lowHalf(sequence);
    this.#high = highHalf(sequence);
    this.#index = (sequence % this.#slotCount) | 0;
    this.#offset = slotOffset(this.#file.geometry, sequence) | 0;
    this.#begun = false;
  }

  #stamp(timestampNs: number): void {
    this.#timestampNs = timestampNs;
    this.#timestampLow = lowHalf(timestampNs);
    this.#timestampHigh = highHalf(timestampNs);
  }

  #payload(index: number): Buffer {
    const view = this.#payloads[index];
    if (view !== undefined) return view;
    const created = this.#file.payloadOf(index);
    this.#payloads[index] = created;
    return created;
  }
}

/** A function of its own, so that `commit` stays small enough to be inlined. */
function misfit(size: number, capacity: number): RangeError {
  return new RangeError(`a buffer of ${size} bytes does not fit a slot of ${capacity}`);
}
