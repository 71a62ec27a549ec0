/**
 * The writing side of a flow file's ring: one writer per file. The order of its stores is what
 * makes a torn buffer impossible to deliver: clear the slot's sequence, fill payload and metadata,
 * set the sequence, then `published`. Payloads are plain stores between those, which x86-64 keeps
 * in this order; JavaScript has no fence for machines that do not.
 */
import { HEADER_BYTES, missingWord, SLOT } from './layout.js';
import { slotOffset } from './geometry.js';
import type { FlowFile } from './flow-file.js';
import { highHalf, lowHalf, type Words } from './words.js';

export class RingWriter {
  readonly #file: FlowFile;
  readonly #words: Words;
  /**
   * Payload views, one per slot, made when first needed: a view per buffer would be garbage per
   * buffer.
   */
  readonly #payloads: (Buffer | undefined)[];
  /**
   * The same with the room for a frame's header in front of them, as long as they are used like
   * that.
   */
  readonly #framed: (Buffer | undefined)[] = [];
  #committed: number;
  /**
   * Where the slot of `#committed` stands, and its number: dividing for every buffer would cost as
   * much as the buffer.
   */
  #offset: number;
  #index: number;
  /** Slots of sequences below it are cleared; from `#committed` on. */
  #opened: number;
  /**
   * What `open` cleared, by the slot's number: of sequences that this writer has not written
   * itself.
   */
  readonly #replaced: Float64Array;
  /** From here on this writer has written every sequence itself. */
  #own: number;
  #published: number;
  /** The halves of `#committed`. */
  #low: number;
  #high: number;
  /** The last timestamp and its halves: buffers of one turn have the same. */
  #timestampNs = 0;
  #timestampLow = 0;
  #timestampHigh = 0;

  /** Continues where `published` of the file stands. */
  constructor(file: FlowFile) {
    this.#file = file;
    this.#words = file.words;
    this.#payloads = Array.from({ length: file.geometry.slotCount });
    this.#published = file.published;
    this.#committed = this.#published;
    this.#low = lowHalf(this.#committed);
    this.#high = highHalf(this.#committed);
    this.#opened = this.#committed;
    this.#own = this.#committed;
    this.#replaced = new Float64Array(file.geometry.slotCount);
    this.#index = this.#committed % file.geometry.slotCount;
    this.#offset = slotOffset(file.geometry, this.#committed);
  }

  /** The sequence that the next `begin` opens. */
  get next(): number {
    return this.#committed;
  }

  get published(): number {
    return this.#published;
  }

  /**
   * Opens the slot of sequence `next + ahead` for writing: from now on readers of what it held
   * before see that they were lapped. The caller owns the returned payload (`payloadCapacity`
   * bytes) until `commit`. Opening twice is harmless.
   * @param ahead slots beyond the next one, below slotCount
   */
  begin(ahead = 0): Buffer {
    if (ahead === 0) {
      if (this.#opened === this.#committed) this.open(1);
      return this.#payloads[this.#index] ?? this.#payload(this.#index);
    }
    const { geometry, words } = this.#file;
    const sequence = this.#committed + ahead;
    this.#own = Math.max(this.#own, sequence - geometry.slotCount + 1); // what is cleared here is not there to be given back
    words.clear64(slotOffset(geometry, sequence) + SLOT.sequence);
    return this.#payload(sequence % geometry.slotCount);
  }

  /**
   * Opens the next slot like `begin` and gives room for a frame's header and the payload behind it
   * as one piece, so that both arrive with one read.
   */
  beginFramed(payloadBytes: number): Buffer {
    this.begin();
    const known = this.#framed[this.#index];
    if (known?.length === SLOT.payload - SLOT.frame + payloadBytes) return known;
    const made = this.#file.framedPayloadOf(this.#index, payloadBytes);
    this.#framed[this.#index] = made;
    return made;
  }

  /**
   * Leaves out the sequences below `sequence`: their slots, as far as the ring holds them, say so.
   * Readers see them as lost after `publish`. What stood in those slots must not be needed any
   * more.
   */
  skipTo(sequence: number): void {
    const { geometry, words } = this.#file;
    const first = Math.max(this.#committed, sequence - geometry.slotCount);
    for (let missing = first; missing < sequence; missing += 1)
      words.store64(slotOffset(geometry, missing) + SLOT.sequence, missingWord(missing));
    this.#committed = sequence;
    this.#own = sequence;
    this.#low = lowHalf(sequence);
    this.#high = highHalf(sequence);
    this.#opened = Math.max(this.#opened, sequence);
    this.#index = sequence % geometry.slotCount;
    this.#offset = slotOffset(geometry, sequence);
  }

  /** Sequences below it can be begun without clearing anything more. */
  get opened(): number {
    return this.#opened;
  }

  /**
   * Clears the slots of the next `count` sequences that are not open yet, as `begin` does for one:
   * readers see what they held before as lapped. One fence for all of them. At most slotCount slots
   * are open.
   */
  open(count: number): void {
    const { geometry, words } = this.#file;
    const { slotCount, slotStride } = geometry;
    let index = this.#opened % slotCount;
    let word = slotOffset(geometry, this.#opened) + SLOT.sequence;
    // What it wrote itself it knows: looking would wait for the processor that has read the slot.
    let unknown = this.#own + slotCount - this.#opened;
    for (let left = count; left > 0; left -= 1) {
      if (unknown > 0) this.#replaced[index] = words.peek64(word);
      unknown -= 1;
      if (left === 1) words.clear64(word);
      else words.setPlain64(word, 0);
      index += 1;
      word += slotStride;
      if (index === slotCount) {
        index = 0;
        word = HEADER_BYTES + SLOT.sequence;
      }
    }
    this.#opened += count;
  }

  /**
   * Takes opened slots from `sequence` on back: readers find again what they held. Only before
   * anything was written to their payloads.
   */
  giveBack(sequence: number): void {
    const { geometry, words } = this.#file;
    for (let at = Math.max(sequence, this.#committed); at < this.#opened; at += 1) {
      const before = at - geometry.slotCount;
      const replaced = before < this.#own ? (this.#replaced[at % geometry.slotCount] ?? 0) : before + 1;
      words.complete64(slotOffset(geometry, at) + SLOT.sequence, replaced);
    }
    this.#opened = Math.min(this.#opened, Math.max(sequence, this.#committed));
  }

  /**
   * Takes the last `begin` of the next slot back, and whatever else is open. Only before anything
   * was written to the payload.
   */
  abandon(): void {
    this.giveBack(this.#committed);
  }

  /**
   * Completes the open slot; readers see it after `publish`.
   * @param size bytes used of the payload, 0 to payloadCapacity
   * @param timestampNs wall-clock nanoseconds since 1970; a double keeps them to 256 ns
   */
  commit(size: number, timestampNs: number, flags = 0): void {
    const { payloadCapacity, slotCount, slotStride } = this.#file.geometry;
    if (!Number.isInteger(size) || size < 0 || size > payloadCapacity) throw misfit(size, payloadCapacity);
    const words = this.#words;
    const slot = this.#offset;
    if (timestampNs !== this.#timestampNs) this.#stamp(timestampNs);
    words.setPlainHalves(slot + SLOT.timestampNs, this.#timestampLow, this.#timestampHigh);
    words.setPlain32(slot + SLOT.size, size);
    words.setPlain32(slot + SLOT.flags, flags);
    const committed = this.#committed + 1;
    this.#committed = committed;
    if (this.#opened < committed) this.#opened = committed;
    const low = (this.#low + 1) | 0;
    this.#low = low;
    if (low === 0) this.#high = (this.#high + 1) | 0;
    words.completeHalves(slot + SLOT.sequence, low, this.#high);
    const index = this.#index + 1;
    this.#index = index === slotCount ? 0 : index;
    this.#offset = index === slotCount ? HEADER_BYTES : slot + slotStride;
  }

  /** Makes every committed buffer visible, with one store. Returns the new `published`. */
  publish(): number {
    if (this.#published !== this.#committed) {
      this.#published = this.#committed;
      this.#file.published = this.#published;
    }
    return this.#published;
  }

  /**
   * Starts sequences again from 0 under a new epoch, which must differ from every earlier one. Its
   * word changes after everything of the old epoch has gone and before anything of the new one is
   * written: who reads under the new epoch never meets an old slot, and who copied under the old
   * one and caught new bytes sees another epoch when it checks.
   */
  restart(epoch: number): void {
    const { geometry, words } = this.#file;
    if (epoch === this.#file.epoch) throw new RangeError(`epoch ${epoch} is the present one`);
    this.#file.published = 0;
    for (let index = 0; index < geometry.slotCount; index += 1)
      words.store64(slotOffset(geometry, index) + SLOT.sequence, 0);
    this.#file.epoch = epoch;
    this.#committed = 0;
    this.#own = 0;
    this.#low = 0;
    this.#high = 0;
    this.#opened = 0;
    this.#published = 0;
    this.#index = 0;
    this.#offset = HEADER_BYTES;
  }

  #stamp(timestampNs: number): void {
    this.#timestampNs = timestampNs;
    this.#timestampLow = lowHalf(timestampNs);
    this.#timestampHigh = highHalf(timestampNs);
  }

  #payload(index: number): Buffer {
    const known = this.#payloads[index];
    if (known !== undefined) return known;
    const made = this.#file.payloadOf(index);
    this.#payloads[index] = made;
    return made;
  }
}

/**
 * Apart, so that what happens with every buffer stays small enough for the compiler to see in one
 * piece.
 */
function misfit(size: number, capacity: number): RangeError {
  return new RangeError(`a buffer of ${size} bytes does not fit a slot of ${capacity}`);
}
