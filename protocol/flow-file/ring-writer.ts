/**
 * The writing side of a flow file's ring: one writer per file. The order of its stores is what makes a torn buffer
 * impossible to deliver: clear the slot's sequence, fill payload and metadata, set the sequence, then `published`.
 * Payloads are plain stores between atomic ones, which x86-64 keeps in this order; JavaScript has no fence for machines that do not.
 */
import { HEADER, MISSING, SLOT } from './layout.js';
import { slotOffset } from './geometry.js';
import type { FlowFile } from './flow-file.js';

export class RingWriter {
  readonly #file: FlowFile;
  /** Payload views, one per slot, made when first needed: a view per buffer would be garbage per buffer. */
  readonly #payloads: (Buffer | undefined)[];
  #committed: number;
  /** What `begin` cleared. */
  #replaced = 0;
  #published: number;

  /** Continues where `published` of the file stands. */
  constructor(file: FlowFile) {
    this.#file = file;
    this.#payloads = Array.from({ length: file.geometry.slotCount });
    this.#published = file.published;
    this.#committed = this.#published;
  }

  /** The sequence that the next `begin` opens. */
  get next(): number {
    return this.#committed;
  }

  get published(): number {
    return this.#published;
  }

  /**
   * Opens the slot of sequence `next + ahead` for writing: from now on readers of what it held before see that they were lapped.
   * The caller owns the returned payload (`payloadCapacity` bytes) until `commit`. Opening twice is harmless.
   * @param ahead slots beyond the next one, below slotCount
   */
  begin(ahead = 0): Buffer {
    const sequence = this.#committed + ahead;
    const { geometry, words } = this.#file;
    const word = slotOffset(geometry, sequence) + SLOT.sequence;
    if (ahead === 0) this.#replaced = words.load64(word);
    words.store64(word, 0);
    return this.#payload(sequence);
  }

  /**
   * Opens the next slot like `begin` and gives room for a frame's header and the payload behind it as one piece, so that both arrive
   * with one read.
   */
  beginFramed(payloadBytes: number): Buffer {
    this.begin();
    const { geometry, bytes } = this.#file;
    const slot = slotOffset(geometry, this.#committed);
    return bytes.subarray(slot + SLOT.frame, slot + SLOT.payload + payloadBytes);
  }

  /**
   * Leaves out the sequences below `sequence`: their slots, as far as the ring holds them, say so. Readers see them as lost after `publish`.
   * What stood in those slots must not be needed any more.
   */
  skipTo(sequence: number): void {
    const { geometry, words } = this.#file;
    const first = Math.max(this.#committed, sequence - geometry.slotCount);
    for (let missing = first; missing < sequence; missing += 1)
      words.store64(slotOffset(geometry, missing) + SLOT.sequence, MISSING + missing + 1);
    this.#committed = sequence;
  }

  /** Takes the last `begin` of the next slot back: readers find again what it held. Only before anything was written to the payload. */
  abandon(): void {
    const { geometry, words } = this.#file;
    words.store64(slotOffset(geometry, this.#committed) + SLOT.sequence, this.#replaced);
  }

  /**
   * Completes the open slot; readers see it after `publish`.
   * @param size bytes used of the payload, 0 to payloadCapacity
   * @param timestampNs wall-clock nanoseconds since 1970; a double keeps them to 256 ns
   */
  commit(size: number, timestampNs: number, flags = 0): void {
    const { geometry, words } = this.#file;
    if (!Number.isInteger(size) || size < 0 || size > geometry.payloadCapacity) {
      throw new RangeError(`a buffer of ${size} bytes does not fit a slot of ${geometry.payloadCapacity}`);
    }
    const slot = slotOffset(geometry, this.#committed);
    words.setPlain64(slot + SLOT.timestampNs, timestampNs);
    words.setPlain32(slot + SLOT.size, size);
    words.setPlain32(slot + SLOT.flags, flags);
    this.#committed += 1;
    words.store64(slot + SLOT.sequence, this.#committed);
  }

  /** Makes every committed buffer visible, with one store. Returns the new `published`. */
  publish(): number {
    if (this.#published !== this.#committed) {
      this.#published = this.#committed;
      this.#file.words.store64(HEADER.published, this.#published);
    }
    return this.#published;
  }

  /**
   * Starts sequences again from 0 under a new epoch, which must differ from every earlier one. Its word changes after everything
   * of the old epoch has gone and before anything of the new one is written: who reads under the new epoch never meets an old slot, and who copied
   * under the old one and caught new bytes sees another epoch when it checks.
   */
  restart(epoch: number): void {
    const { geometry, words } = this.#file;
    if (epoch === this.#file.epoch) throw new RangeError(`epoch ${epoch} is the present one`);
    words.store64(HEADER.published, 0);
    for (let index = 0; index < geometry.slotCount; index += 1)
      words.store64(slotOffset(geometry, index) + SLOT.sequence, 0);
    words.store64(HEADER.epoch, epoch);
    this.#committed = 0;
    this.#published = 0;
  }

  #payload(sequence: number): Buffer {
    const index = sequence % this.#file.geometry.slotCount;
    const known = this.#payloads[index];
    if (known !== undefined) return known;
    const made = this.#file.payloadOf(sequence);
    this.#payloads[index] = made;
    return made;
  }
}
