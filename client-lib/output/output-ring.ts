/**
 * A flow file's ring for its provider: opens slots as far as credit (the sequence below which may
 * be written) allows, and gives unused ones back. Used by OutputFlow. Reads and writes the mapped
 * file.
 *
 * The duplicator may reduce the credit at any time: a slot is opened first, the credit word read
 * again after it, so that one of the two processes sees the other. The fence between the two costs
 * as much as a small buffer, so several slots are opened with one.
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { GENERATION_SHIFT } from '../../protocol/flow/flow-file/layout.js';
import { RingWriter } from '../../protocol/flow/flow-file/ring-writer.js';

/**
 * Most slots that are opened together, and the largest share of the ring (one in so many): a
 * consumer that joins later cannot read the old buffers of opened slots.
 */
const OPEN_SLOTS_MAX = 64;
const OPEN_SHARE = 64;
/** Parts of the ring: after each of them the duplicator is signalled, at any rate. */
const QUARTER = 4;

export class OutputRing {
  readonly file: FlowFile;
  /** Buffers of a quarter of the ring, 1 at least. */
  readonly quarter: number;
  readonly #writer: RingWriter;
  readonly #generation: number;
  readonly #openTogether: number;
  /** Payloads of sequences from here on were not handed out yet. */
  #begun = 0;

  /** `generation`: number of this provider, stored in the flags of its slots. */
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

  /** The published count that the duplicator has handled without answering. */
  get heard(): number {
    return this.file.heard;
  }

  /** Payload of the next slot, the caller's until `commit`; undefined without credit. */
  begin(): Buffer | undefined {
    const writer = this.#writer;
    if (writer.next === writer.opened && !this.#open()) return undefined;
    this.#begun = writer.next + 1;
    return writer.begin();
  }

  /**
   * Completes the begun slot. `flags` of the flow type, 0 to 65,535. True when a quarter of the
   * ring waits to be published.
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
   * Makes opened slots that were not begun readable again. Only while the link is open: afterwards
   * another provider may write.
   */
  leave(): void {
    this.#writer.restore(this.#begun);
  }

  #open(): boolean {
    const writer = this.#writer;
    const count = Math.min(this.#credit - writer.next, this.#openTogether);
    if (count <= 0) return false;
    writer.open(count);
    const credit = this.#credit;
    if (credit < writer.opened) writer.restore(credit);
    return writer.opened > writer.next;
  }

  /** Sequences below it may be written. */
  get #credit(): number {
    return this.file.peekGranted();
  }
}
