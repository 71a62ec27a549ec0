/**
 * The reading side of a flow file's ring of buffers. Used by consumers in the client library and by
 * duplicators that send a flow to another host. Reads the mapped file only: the writer is not aware
 * of its readers.
 *
 * A reader uses or copies a buffer in place, then checks that the slot still holds the same
 * sequence of the same epoch. When the writer has overwritten the slot meanwhile (it lapped the
 * reader), the buffer is counted as missed; that is a result, not an exception.
 */
import { HEADER, SLOT } from './layout.js';
import { slotOffset } from './geometry.js';
import type { FlowFile } from './flow-file.js';
import { highHalf, joinHalves, lowHalf, type Words } from './words.js';

const { sequence: SEQUENCE, timestampNs: TIMESTAMP, size: SIZE, flags: FLAGS } = SLOT;
const { epoch: EPOCH } = HEADER;

/**
 * `ready`: there is a buffer; `empty`: there is none yet; `restarted`: the sequences started again,
 * call `enterEpoch`.
 */
export type ReadOutcome = 'ready' | 'empty' | 'restarted';

/**
 * Where a reader starts: at the oldest buffer of the ring, at the newest, at the next one to be
 * published, or at a sequence.
 */
export type ReadStart = 'oldest' | 'newest' | 'next' | number;

/** Attempts that a faster writer may spoil before `copy` returns. */
const COPY_ATTEMPTS = 64;

export class RingReader {
  readonly #file: FlowFile;
  readonly #words: Words;
  readonly #slotCount: number;
  readonly #stride: number;
  readonly #capacity: number;
  readonly #payloads: (Buffer | undefined)[];
  #epoch = 0;
  #epochLow = 0;
  #epochHigh = 0;
  #next = 0;
  /** Halves of the sequence word that the slot of `#next` must hold. */
  #low = 0;
  #high = 0;
  /**
   * Offset and index of the slot of `#next`, kept because a division per buffer would cost as much
   * as the buffer.
   */
  #offset = 0;
  #index = 0;
  #missed = 0;
  /** So many sequences from `#next` on are known to be published. */
  #known = 0;
  /** Offset of the slot of `sequence` and the halves of its sequence word. */
  #slot = 0;
  #heldLow = 0;
  #heldHigh = 0;
  /** Halves of `timestampNs`: buffers of one event-loop turn of their provider share it. */
  #stampLow = 0;
  #stampHigh = 0;

  /** Metadata of the latest buffer that `peek` or `copy` returned as ready. */
  sequence = 0;
  size = 0;
  timestampNs = 0;
  flags = 0;
  /** Index of the slot of `sequence`. */
  slot = 0;

  constructor(file: FlowFile, start: ReadStart) {
    this.#file = file;
    this.#words = file.words;
    this.#slotCount = file.geometry.slotCount;
    this.#stride = file.geometry.slotStride;
    this.#capacity = file.geometry.payloadCapacity;
    this.#payloads = Array.from({ length: file.geometry.slotCount });
    this.#enter(file.epoch);
    this.#seek(start);
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** The sequence to be read next: all below it were read or missed. */
  get next(): number {
    return this.#next;
  }

  /** Buffers that the writer overwrote before this reader read them, since its construction. */
  get missed(): number {
    return this.#missed;
  }

  /** Buffers that can be read now; an estimate while the writer writes. */
  get available(): number {
    return this.#know(this.#readPublished());
  }

  /** Starts again in the file's current epoch. */
  enterEpoch(start: ReadStart): void {
    this.#enter(this.#file.epoch);
    this.#seek(start);
  }

  /**
   * Borrows the next buffer in place: on `ready`, `view()` is its payload. The writer may overwrite
   * it at any time: check `isIntact()` after use. The reader stays on this buffer until `advance`.
   */
  peek(): ReadOutcome {
    const words = this.#words;
    for (;;) {
      if (this.#known === 0) {
        const ending = this.#refreshPublished();
        if (ending !== undefined) return ending;
      }
      const slot = this.#offset;
      const low = this.#low;
      const high = this.#high;
      if (words.holdsHalves(slot + SEQUENCE, low, high)) {
        this.sequence = this.#next;
        this.slot = this.#index;
        this.#slot = slot;
        this.#heldLow = low;
        this.#heldHigh = high;
        const stampLow = words.plainHalf(slot + TIMESTAMP);
        const stampHigh = words.plainHalf(slot + TIMESTAMP + 4);
        if (stampLow !== this.#stampLow || stampHigh !== this.#stampHigh) this.#stamp(stampLow, stampHigh);
        const size = words.plainHalf(slot + SIZE);
        this.size = size >= 0 && size <= this.#capacity ? size : this.#capacity;
        this.flags = words.plain32(slot + FLAGS);
        if (this.isIntact()) return 'ready';
      }
      const ending = this.#skip();
      if (ending !== undefined) return ending;
    }
  }

  /**
   * The borrowed payload: a new view into the mapping, `size` bytes. Check `isIntact()` after use.
   */
  view(): Buffer {
    const start = this.#slot + SLOT.payload;
    return this.#file.bytes.subarray(start, start + this.size);
  }

  /** The whole payload area of the borrowed buffer's slot: one view per slot, never a new one. */
  area(): Buffer {
    return this.#payload();
  }

  /** False when the writer has overwritten the borrowed buffer: discard what was read from it. */
  isIntact(): boolean {
    const words = this.#words;
    words.fenceLoads(); // what was read of the buffer is read before the check that follows
    return (
      words.holdsHalves(this.#slot + SEQUENCE, this.#heldLow, this.#heldHigh) &&
      words.holdsHalves(EPOCH, this.#epochLow, this.#epochHigh)
    );
  }

  /** Moves on to the next sequence. */
  advance(): void {
    const next = this.sequence + 1;
    const index = this.slot + 1;
    if (index === this.#slotCount) this.#goTo(next);
    else {
      this.#next = next;
      if (this.#known > 0) this.#known -= 1;
      this.#index = index;
      this.#offset = this.#slot + this.#stride;
      const low = (this.#heldLow + 1) | 0;
      this.#low = low;
      this.#high = low === 0 ? (this.#heldHigh + 1) | 0 : this.#heldHigh;
    }
  }

  /** Counts the borrowed buffer as missed and moves on: for a reader that finds it not intact. */
  skipMissed(): void {
    this.#missed += 1;
    this.advance();
  }

  /**
   * Copies the next buffer into `target` (at least `payloadCapacity` bytes) and moves on. Returns
   * `ready` for whole buffers only, and `empty` also when the writer has spoilt COPY_ATTEMPTS
   * copies: the caller may wait or try again.
   */
  copy(target: Uint8Array): ReadOutcome {
    for (let lapped = 0; lapped < COPY_ATTEMPTS; lapped += 1) {
      const outcome = this.peek();
      if (outcome !== 'ready') return outcome;
      this.#payload().copy(target, 0, 0, this.size);
      if (this.isIntact()) {
        this.advance();
        return 'ready';
      }
    }
    return 'empty';
  }

  /** Moves forward to `sequence` without counting the skipped buffers as missed. */
  skipTo(sequence: number): void {
    if (sequence > this.#next) this.#goTo(sequence);
  }

  /** For when all known buffers were read; undefined when more have been published. */
  #refreshPublished(): 'restarted' | 'empty' | undefined {
    const known = this.#know(this.#readPublished());
    if (this.#file.epoch !== this.#epoch) return 'restarted';
    return known === 0 ? 'empty' : undefined;
  }

  /**
   * Counts beyond 2^53 only occur in a damaged file, which is read as empty: such numbers do not
   * grow by 1, and a loop over them would not end.
   */
  #readPublished(): number {
    const { published } = this.#file;
    return Number.isSafeInteger(published) ? published : 0;
  }

  /** Returns the number of sequences from `#next` on that are published. */
  #know(published: number): number {
    const known = Math.max(0, published - this.#next);
    this.#known = Math.min(known, this.#slotCount);
    return known;
  }

  #stamp(low: number, high: number): void {
    this.#stampLow = low;
    this.#stampHigh = high;
    this.timestampNs = joinHalves(low, high);
  }

  #payload(): Buffer {
    const view = this.#payloads[this.slot];
    if (view !== undefined) return view;
    const created = this.#file.payloadOf(this.slot);
    this.#payloads[this.slot] = created;
    return created;
  }

  #enter(epoch: number): void {
    this.#epoch = epoch;
    this.#epochLow = lowHalf(epoch);
    this.#epochHigh = highHalf(epoch);
  }

  #goTo(sequence: number): void {
    this.#next = sequence;
    this.#known = 0;
    this.#low = lowHalf(sequence + 1);
    this.#high = highHalf(sequence + 1);
    // Integers from here on: the compiler calculates with them as such.
    this.#index = (sequence % this.#slotCount) | 0;
    this.#offset = slotOffset(this.#file.geometry, sequence) | 0;
  }

  /**
   * For when the slot of `#next` does not hold it. A lapped reader moves on to the oldest sequence
   * that is certainly not being overwritten and counts the skipped ones as missed. In a new epoch
   * nothing is counted, since sequences of two epochs cannot be compared.
   */
  #skip(): 'restarted' | 'empty' | undefined {
    const published = this.#readPublished();
    // The epoch changes before a buffer of the new epoch is published, so a count that was loaded
    // before this check belongs to the reader's epoch.
    if (this.#file.epoch !== this.#epoch) return 'restarted';
    // Lowered: the writer is about to change the epoch.
    if (this.#know(published) === 0) return 'empty';
    const oldest = Math.max(this.#next + 1, published - this.#file.geometry.slotCount + 1);
    this.#missed += oldest - this.#next;
    this.#goTo(oldest);
    return undefined;
  }

  #seek(start: ReadStart): void {
    if (typeof start === 'number' && (!Number.isSafeInteger(start) || start < 0))
      throw new RangeError(`a reader cannot start at sequence ${start}: sequences are integers from 0`);
    const published = this.#readPublished();
    const oldest = Math.max(0, published - this.#file.geometry.slotCount + 1);
    if (start === 'oldest') this.#goTo(oldest);
    else if (start === 'newest') this.#goTo(Math.max(oldest, published - 1));
    else if (start === 'next') this.#goTo(published);
    else {
      // The caller may know that the writer has no credit yet for the slot of this sequence: even
      // the slot that is overwritten next is tried.
      this.#goTo(Math.max(start, published - this.#file.geometry.slotCount));
      this.#missed += this.#next - start;
    }
  }
}
