/**
 * The reading side of a flow file's ring: any number of readers, none of them known to the writer
 * here. A reader looks or copies, then checks that the slot still holds its sequence in its epoch.
 * That it does not is a counted result (`missed`), never an exception.
 */
import { HEADER, SLOT } from './layout.js';
import { slotOffset } from './geometry.js';
import type { FlowFile } from './flow-file.js';
import { highHalf, lowHalf, type Words } from './words.js';

/**
 * `ready`: a buffer is there; `empty`: none yet; `restarted`: the sequences started again, call
 * `follow`.
 */
export type ReadOutcome = 'ready' | 'empty' | 'restarted';

/**
 * Where a reader begins: the oldest buffer still there, the newest, only what comes from now on, or
 * a sequence.
 */
export type ReadStart = 'oldest' | 'newest' | 'next' | number;

/** Copies that a faster writer may spoil before `copy` gives the turn back. */
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
  /** Halves of `#next + 1`, which its slot holds. */
  #low = 0;
  #high = 0;
  /**
   * Where the slot of `#next` stands, and its number: dividing for every buffer would cost as much
   * as the buffer.
   */
  #offset = 0;
  #index = 0;
  #missed = 0;
  #published = 0;
  /** Where the slot of `sequence` stands, and the halves of what it holds. */
  #slot = 0;
  #heldLow = 0;
  #heldHigh = 0;

  /** Metadata of the buffer that `look` or `copy` found last. */
  sequence = 0;
  size = 0;
  timestampNs = 0;
  flags = 0;
  /** Number of the slot that `sequence` lives in. */
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

  /** The sequence that is read next: all below it were read or missed. */
  get next(): number {
    return this.#next;
  }

  /** Buffers that the writer took back before this reader had them, since the reader was made. */
  get missed(): number {
    return this.#missed;
  }

  /** Buffers that can be read now, more or less: the writer goes on meanwhile. */
  get available(): number {
    this.#published = this.#readPublished();
    return Math.max(0, this.#published - this.#next);
  }

  /** Begins again in the file's present epoch. */
  follow(start: ReadStart): void {
    this.#enter(this.#file.epoch);
    this.#published = 0;
    this.#seek(start);
  }

  /**
   * Lends the next buffer in place: on `ready`, `view()` is its payload until the writer laps it,
   * which `stillThere()` tells. The reader stays on this buffer until `advance`.
   */
  look(): ReadOutcome {
    const words = this.#words;
    for (;;) {
      const next = this.#next;
      if (next >= this.#published) {
        const ending = this.#lookFurther();
        if (ending !== undefined) return ending;
      }
      const slot = this.#offset;
      const low = this.#low;
      const high = this.#high;
      if (words.holdsHalves(slot + SLOT.sequence, low, high)) {
        this.sequence = next;
        this.slot = this.#index;
        this.#slot = slot;
        this.#heldLow = low;
        this.#heldHigh = high;
        this.timestampNs = words.plain64(slot + SLOT.timestampNs);
        this.size = Math.min(words.plain32(slot + SLOT.size), this.#capacity);
        this.flags = words.plain32(slot + SLOT.flags);
        if (this.stillThere()) return 'ready';
      }
      const ending = this.#skip();
      if (ending !== undefined) return ending;
    }
  }

  /**
   * The payload of the buffer that `look` found: a view into the mapping, `size` bytes. Check
   * `stillThere()` after use.
   */
  view(): Buffer {
    const start = this.#slot + SLOT.payload;
    return this.#file.bytes.subarray(start, start + this.size);
  }

  /**
   * The whole payload area behind `view()`, the same object every time the slot is met: nothing is
   * allocated.
   */
  area(): Buffer {
    return this.#payload();
  }

  /**
   * False when the writer has taken the slot of the last `look` back: what was read from it is
   * worthless.
   */
  stillThere(): boolean {
    const words = this.#words;
    return (
      words.holdsHalves(this.#slot + SLOT.sequence, this.#heldLow, this.#heldHigh) &&
      words.holdsHalves(HEADER.epoch, this.#epochLow, this.#epochHigh)
    );
  }

  /** Goes on to the next sequence. */
  advance(): void {
    const next = this.sequence + 1;
    const index = this.slot + 1;
    if (index === this.#slotCount) this.#goTo(next);
    else {
      this.#next = next;
      this.#index = index;
      this.#offset = this.#slot + this.#stride;
      const low = (this.#heldLow + 1) | 0;
      this.#low = low;
      this.#high = low === 0 ? (this.#heldHigh + 1) | 0 : this.#heldHigh;
    }
  }

  /**
   * Counts the buffer of the last `look` as missed and goes on: for a reader that found it gone
   * after using it.
   */
  lose(): void {
    this.#missed += 1;
    this.advance();
  }

  /**
   * Copies the next buffer into `target` (`payloadCapacity` bytes at least) and goes on; only whole
   * buffers are ever `ready`. A writer that laps every try for long enough makes it `empty`:
   * nothing can be had now, the caller may wait or try again.
   */
  copy(target: Uint8Array): ReadOutcome {
    for (let lapped = 0; lapped < COPY_ATTEMPTS; lapped += 1) {
      const outcome = this.look();
      if (outcome !== 'ready') return outcome;
      this.#payload().copy(target, 0, 0, this.size);
      if (this.stillThere()) {
        this.advance();
        return 'ready';
      }
    }
    return 'empty';
  }

  /** Moves on to `sequence` without counting what lies between as missed; backwards is refused. */
  skipTo(sequence: number): void {
    if (sequence > this.#next) this.#goTo(sequence);
  }

  /** What was published is read up; undefined when there is more by now. */
  #lookFurther(): 'restarted' | 'empty' | undefined {
    this.#published = this.#readPublished();
    if (this.#file.epoch !== this.#epoch) return 'restarted';
    return this.#next >= this.#published ? 'empty' : undefined;
  }

  /**
   * A count beyond 2^53 is none: a damaged file has nothing to read, and numbers that do not grow
   * by 1 would be counted for ever.
   */
  #readPublished(): number {
    const { published } = this.#file;
    return Number.isSafeInteger(published) ? published : 0;
  }

  #payload(): Buffer {
    const known = this.#payloads[this.slot];
    if (known !== undefined) return known;
    const made = this.#file.payloadOf(this.slot);
    this.#payloads[this.slot] = made;
    return made;
  }

  #enter(epoch: number): void {
    this.#epoch = epoch;
    this.#epochLow = lowHalf(epoch);
    this.#epochHigh = highHalf(epoch);
  }

  #goTo(sequence: number): void {
    this.#next = sequence;
    this.#low = lowHalf(sequence + 1);
    this.#high = highHalf(sequence + 1);
    this.#index = sequence % this.#file.geometry.slotCount;
    this.#offset = slotOffset(this.#file.geometry, sequence);
  }

  /**
   * The slot of `next` does not hold it. Lapped: goes to the oldest sequence that is surely not
   * being written, and counts what lies between. Or the sequences start again: says so, and counts
   * nothing, since numbers of two epochs cannot be compared.
   */
  #skip(): 'restarted' | 'empty' | undefined {
    const published = this.#readPublished();
    // A new epoch's word is there before anything is published under it, so a `published` from
    // before this check is of our epoch.
    if (this.#file.epoch !== this.#epoch) return 'restarted';
    this.#published = published;
    if (published <= this.#next) return 'empty'; // it went back: the writer is about to change the epoch
    const oldest = Math.max(this.#next + 1, published - this.#file.geometry.slotCount + 1);
    this.#missed += oldest - this.#next;
    this.#goTo(oldest);
    return undefined;
  }

  #seek(start: ReadStart): void {
    if (typeof start === 'number' && (!Number.isSafeInteger(start) || start < 0))
      throw new RangeError(`${start} is no sequence`);
    const published = this.#readPublished();
    const oldest = Math.max(0, published - this.#file.geometry.slotCount + 1);
    if (start === 'oldest') this.#goTo(oldest);
    else if (start === 'newest') this.#goTo(Math.max(oldest, published - 1));
    else if (start === 'next') this.#goTo(published);
    else {
      // Whoever names a sequence may know that the writer has no credit for its slot yet: even the
      // one that is overwritten next is tried.
      this.#goTo(Math.max(start, published - this.#file.geometry.slotCount));
      this.#missed += this.#next - start;
    }
  }
}
