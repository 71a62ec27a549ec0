/**
 * The oldest sequence that an inline reader still needs, and its acknowledgement to the duplicator:
 * a borrowed buffer is needed until its release. Acknowledges after each quarter of the ring, at
 * the end of a turn in which the ring was drained, and before the reader waits. Used by
 * InlineEngine. Sends on the signal link.
 */
import type { FlowBuffer } from './flow-buffer.js';
import type { ConsumerLink } from './consumer-link.js';

/** Parts of the ring: an acknowledgement is due after each of them. */
const PARTS = 4;
/** Callbacks of `then` run as a microtask, at less than half of what queueMicrotask costs. */
const TURN = Promise.resolve();

export class ReadingPosition {
  /** Taken and not released, oldest first. */
  readonly #borrowed = new Set<FlowBuffer>();
  #link: ConsumerLink;
  #quarter: number;
  #acknowledged = -1;
  /** Sequence at which the next acknowledgement is due. */
  #dueAt = 0;
  /** The duplicator was asked for a signal. */
  #armed = false;
  #isScheduled = false;
  #ended = false;
  readonly #endOfTurn = (): void => {
    this.#isScheduled = false;
    if (!this.#ended && !this.#armed) this.acknowledge();
  };

  constructor(link: ConsumerLink) {
    this.#link = link;
    this.#quarter = quarterOf(link);
  }

  /** Continues with another link; borrowed buffers stay borrowed. */
  useLink(link: ConsumerLink): void {
    this.#link = link;
    this.#quarter = quarterOf(link);
    this.#reset();
  }

  /** Sequences have started again: borrowed buffers of the previous epoch hold nothing back. */
  restarted(): void {
    this.#reset();
    this.#borrowed.clear();
  }

  /** Sends nothing any more. */
  end(): void {
    this.#ended = true;
    this.#borrowed.clear();
  }

  get borrowed(): number {
    return this.#borrowed.size;
  }

  borrow(buffer: FlowBuffer): void {
    this.#borrowed.add(buffer);
  }

  release(buffer: FlowBuffer): void {
    if (this.#borrowed.delete(buffer) && !this.#ended) this.#acknowledgeQuarter();
  }

  /** The oldest sequence that is still needed. */
  get needed(): number {
    if (this.#borrowed.size > 0) for (const buffer of this.#borrowed) return buffer.sequence;
    return this.#link.reader.next;
  }

  /** The reader has advanced. */
  advanced(): void {
    if (this.#link.reader.next >= this.#dueAt) this.#acknowledgeQuarter();
  }

  /** The ring is drained: acknowledged at the end of this turn, unless a wait does so earlier. */
  drained(): void {
    if (this.#isScheduled || this.needed === this.#acknowledged) return;
    this.#isScheduled = true;
    void TURN.then(this.#endOfTurn);
  }

  /**
   * Acknowledges everything that is not needed, if that has changed. A request for a signal stays:
   * a take may wait for it while others read.
   */
  acknowledge(): void {
    const { needed } = this;
    if (needed !== this.#acknowledged) this.#send(needed, this.#armed);
  }

  /**
   * Asks the duplicator for a signal at the next buffer. False, without asking, while buffers are
   * borrowed: the duplicator would answer at once, every time.
   */
  arm(): boolean {
    const { needed } = this;
    const { next } = this.#link.reader;
    if (needed < next) {
      this.acknowledge();
      return false;
    }
    if (this.#armed && this.#acknowledged === next) return true;
    this.#armed = true;
    this.#send(needed, true);
    return true;
  }

  /** The signal has arrived, or was lost with its link. */
  disarm(): void {
    this.#armed = false;
  }

  #acknowledgeQuarter(): void {
    const { needed } = this;
    const from = Math.max(0, this.#acknowledged);
    if (needed - from >= this.#quarter) this.acknowledge();
    // With borrowed buffers the check is repeated at the next buffer.
    else if (needed === this.#link.reader.next) this.#dueAt = from + this.#quarter;
  }

  #send(needed: number, waits: boolean): void {
    this.#acknowledged = needed;
    this.#dueAt = needed + this.#quarter;
    this.#link.acknowledge(needed, waits);
  }

  #reset(): void {
    this.#acknowledged = -1;
    this.#dueAt = 0;
    this.#armed = false;
  }
}

function quarterOf({ file }: ConsumerLink): number {
  return Math.max(1, Math.floor(file.geometry.slotCount / PARTS));
}
