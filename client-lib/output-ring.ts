/**
 * The ring as a provider may write it: slots are opened as far as there is credit, and given back
 * when they are not used. The duplicator may take credit back: a slot is opened, then the word is
 * looked at again, so that one of the two sees the other. A fence lies between the two, which costs
 * as much as a small buffer: several slots are opened with one.
 */
import type { FlowFile } from '../protocol/flow/flow-file/flow-file.js';
import { GENERATION_SHIFT } from '../protocol/flow/flow-file/layout.js';
import { RingWriter } from '../protocol/flow/flow-file/ring-writer.js';

/**
 * Slots that are opened together at most, and which share of the ring: they hold nothing for those
 * who join late.
 */
const OPEN_SLOTS_MAX = 64;
const OPEN_SHARE = 64;
/** After so much of the ring somebody is told, however busy all are. */
const QUARTER = 4;

export class OutputRing {
  readonly file: FlowFile;
  /** Buffers of a quarter of the ring, 1 at least. */
  readonly quarter: number;
  readonly #writer: RingWriter;
  readonly #generation: number;
  readonly #openTogether: number;
  /** Payloads of sequences from here on were not given to anybody yet. */
  #begun = 0;

  /** `generation`: of this provider, which goes into the flags of its slots. */
  constructor(file: FlowFile, generation: number) {
    this.file = file;
    this.#writer = new RingWriter(file);
    this.#generation = (generation << GENERATION_SHIFT) >>> 0;
    const { slotCount } = file.geometry;
    this.quarter = Math.max(1, Math.floor(slotCount / QUARTER));
    this.#openTogether = Math.max(1, Math.min(OPEN_SLOTS_MAX, Math.floor(slotCount / OPEN_SHARE)));
  }

  /** Sequence of the next buffer. */
  get next(): number {
    return this.#writer.next;
  }

  get published(): number {
    return this.#writer.published;
  }

  /** Buffers that can be written now. */
  get free(): number {
    return Math.max(0, this.#credit - this.#writer.next);
  }

  /** The count that the duplicator has heard of without answering. */
  get heard(): number {
    return this.file.heard;
  }

  /** The payload of the next slot, the caller's until `commit`; undefined without credit. */
  begin(): Buffer | undefined {
    const writer = this.#writer;
    if (writer.next === writer.opened && !this.#open()) return undefined;
    this.#begun = writer.next + 1;
    return writer.begin();
  }

  /**
   * Completes the slot that was begun. `flags` of the flow type. True when a quarter of the ring
   * waits to be published.
   */
  commit(size: number, timestampNs: number, flags: number | undefined): boolean {
    const writer = this.#writer;
    writer.commit(
      size,
      timestampNs,
      flags === undefined ? this.#generation : (this.#generation | flags) >>> 0,
    );
    return writer.next - writer.published >= this.quarter;
  }

  publish(): number {
    return this.#writer.publish();
  }

  /**
   * What was opened and not begun can be read again by those who come late. Only while its
   * duplicator is there: afterwards somebody else may write.
   */
  leave(): void {
    this.#writer.giveBack(this.#begun);
  }

  #open(): boolean {
    const writer = this.#writer;
    const count = Math.min(this.#credit - writer.next, this.#openTogether);
    if (count <= 0) return false;
    writer.open(count);
    const credit = this.#credit;
    if (credit < writer.opened) writer.giveBack(credit);
    return writer.opened > writer.next;
  }

  /** Sequences below it may be written. */
  get #credit(): number {
    return this.file.peekGranted();
  }
}
