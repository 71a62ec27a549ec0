/**
 * The writer's way over what was lost between hosts: what is left out is counted, marked in the
 * ring and so told to the consumers as lost. Lossless ones must have read all before it, or still
 * find it.
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import type { RingWriter } from '../../protocol/flow/flow-file/ring-writer.js';
import type { FlowHost } from '../serving/flow-host.js';

export class GapCrossing {
  readonly #file: FlowFile;
  readonly #ring: RingWriter;
  readonly #host: FlowHost;
  #waitingFor = 0;
  #limit = 0;
  #changes = -1;
  /** Times that something was missing, and how many sequences altogether. */
  gaps = 0;
  missing = 0;

  constructor(file: FlowFile, ring: RingWriter, host: FlowHost) {
    this.#file = file;
    this.#ring = ring;
    this.#host = host;
  }

  /**
   * Whether the slot of `sequence` may be written now; all below it is marked then. False while a
   * lossless consumer is not that far.
   */
  goOnAt(sequence: number): boolean {
    const { next } = this.#ring;
    this.#waitingFor = sequence;
    const { slotCount } = this.#file.geometry;
    if (this.mayWrite(sequence)) {
      this.#skip(next, sequence);
      // Nothing of the ring is left: what is published says so, or a successor would find slots
      // that nobody can have written.
      if (sequence - next >= slotCount && this.#file.published > 0) this.#show();
      return true;
    }
    // A gap larger than the ring: once all before it was read it is shown, and waits until it was
    // noticed.
    if (sequence === next || !this.#host.hasCredit(next + slotCount - 1)) return false;
    this.#skip(next, sequence);
    this.#show();
    return this.#host.hasCredit(sequence);
  }

  /**
   * As the host says, who is asked again only when the last answer does not reach: a small buffer
   * costs less than the question.
   */
  mayWrite(sequence: number): boolean {
    const { changes } = this.#host;
    if (sequence < this.#limit && changes === this.#changes) return true;
    this.#limit = this.#host.creditLimit;
    this.#changes = changes;
    return sequence < this.#limit;
  }

  /** Resolves when `goOnAt` may say something else. */
  room(): Promise<void> {
    return this.#host.credit(Math.min(this.#waitingFor, this.#ring.next + this.#file.geometry.slotCount - 1));
  }

  #show(): void {
    this.#ring.publish();
    this.#host.published();
  }

  #skip(from: number, to: number): void {
    if (from === to) return;
    const isNew = this.#file.published === 0;
    this.#ring.skipTo(to);
    if (isNew) return; // what came before the first buffer of a new file is no loss
    this.gaps += 1;
    this.missing += to - from;
  }
}
