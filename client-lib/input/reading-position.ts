/**
 * What a reader in place still needs of its ring, and what its duplicator was told of that. What is
 * lent is needed until it is given back. It says so after a quarter of the ring, at the end of a
 * turn in which it has drained the ring, and when it waits.
 */
import type { FlowBuffer } from './flow-buffer.js';
import type { ConsumerLink } from './consumer-link.js';

/** The shares of the ring after which an acknowledgement is due. */
const QUARTER = 4;

export class ReadingPosition {
  /** Taken and not given back, oldest first. */
  readonly #lent = new Set<FlowBuffer>();
  #link: ConsumerLink;
  #quarter: number;
  #acknowledged = -1;
  /** From here on a quarter of the ring has been read since the last acknowledgement. */
  #quarterAt = 0;
  /** The duplicator knows that a signal is waited for. */
  #armed = false;
  #tellingSoon = false;
  #over = false;

  constructor(link: ConsumerLink) {
    this.#link = link;
    this.#quarter = quarterOf(link);
  }

  /** Goes on with another link; what is lent stays so. */
  follow(link: ConsumerLink): void {
    this.#link = link;
    this.#quarter = quarterOf(link);
    this.#forget();
  }

  /** The sequences started again: what is lent of the ones before is nobody's any more. */
  restarted(): void {
    this.#forget();
    this.#lent.clear();
  }

  /** Says nothing more. */
  end(): void {
    this.#over = true;
    this.#lent.clear();
  }

  get lent(): number {
    return this.#lent.size;
  }

  lend(buffer: FlowBuffer): void {
    this.#lent.add(buffer);
  }

  giveBack(buffer: FlowBuffer): void {
    if (this.#lent.delete(buffer) && !this.#over) this.#tellQuarter();
  }

  /** The oldest sequence that is still needed here. */
  get needed(): number {
    if (this.#lent.size > 0) for (const buffer of this.#lent) return buffer.sequence;
    return this.#link.reader.next;
  }

  /** The reader went on. */
  advanced(): void {
    if (this.#link.reader.next >= this.#quarterAt) this.#tellQuarter();
  }

  /**
   * Nothing is left to read just now: said at the end of this turn, unless a wait has said it by
   * then.
   */
  drained(): void {
    if (this.#tellingSoon || this.needed === this.#acknowledged) return;
    this.#tellingSoon = true;
    queueMicrotask(() => {
      this.#tellingSoon = false;
      if (!this.#over && !this.#armed) this.tell();
    });
  }

  /** What is needed from now on, if that is news. */
  tell(): void {
    const { needed } = this;
    if (needed === this.#acknowledged) return;
    this.#armed = false;
    this.#say(needed, false);
  }

  /**
   * Asks for a signal when there is more. False when it was not asked, since something is lent: the
   * duplicator would answer at once, and always.
   */
  arm(): boolean {
    const { needed } = this;
    const { next } = this.#link.reader;
    if (needed < next) {
      this.tell();
      return false;
    }
    if (this.#armed && this.#acknowledged === next) return true;
    this.#armed = true;
    this.#say(needed, true);
    return true;
  }

  /** The signal has come, or is not to be relied upon. */
  disarm(): void {
    this.#armed = false;
  }

  #tellQuarter(): void {
    const { needed } = this;
    const from = Math.max(0, this.#acknowledged);
    if (needed - from >= this.#quarter) this.tell();
    // Something that is lent is asked about again with the next buffer.
    else if (needed === this.#link.reader.next) this.#quarterAt = from + this.#quarter;
  }

  #say(needed: number, waits: boolean): void {
    this.#acknowledged = needed;
    this.#quarterAt = needed + this.#quarter;
    this.#link.acknowledge(needed, waits);
  }

  #forget(): void {
    this.#acknowledged = -1;
    this.#quarterAt = 0;
    this.#armed = false;
  }
}

function quarterOf({ file }: ConsumerLink): number {
  return Math.max(1, Math.floor(file.geometry.slotCount / QUARTER));
}
