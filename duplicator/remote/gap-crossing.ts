/**
 * Advances the writer of a ring over sequences that were lost between hosts: counts them and marks
 * them in the ring, so that consumers learn of them as lost. A lossless consumer must have read
 * everything before the gap, or still find it in the ring. Used by BufferSink and MirrorSink;
 * writes the mapped flow file through the RingWriter.
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import type { RingWriter } from '../../protocol/flow/flow-file/ring-writer.js';
import type { FlowHost } from '../serving/flow-host.js';

export class GapCrossing {
  readonly #file: FlowFile;
  readonly #ring: RingWriter;
  readonly #host: FlowHost;
  /** The sequence that was refused last. */
  #waitingFor = 0;
  /** The host's credit limit, and the number of consumer changes at which it was asked. */
  #creditLimit = 0;
  #creditChanges = -1;
  gaps = 0;
  /** Sequences in all gaps together. */
  missing = 0;

  constructor(file: FlowFile, ring: RingWriter, host: FlowHost) {
    this.#file = file;
    this.#ring = ring;
    this.#host = host;
  }

  /**
   * Whether the slot of `sequence` may be written now; if so, all before it is marked. False while
   * a lossless consumer still needs what the slot holds.
   */
  advanceTo(sequence: number): boolean {
    const { next } = this.#ring;
    this.#waitingFor = sequence;
    const { slotCount } = this.#file.geometry;
    if (this.mayWrite(sequence)) {
      this.#skip(next, sequence);
      // Nothing in the ring is valid after a gap as long as the ring. Publishing shows it;
      // otherwise a successor would find slots that the published count contradicts.
      if (sequence - next >= slotCount && this.#file.published > 0) this.#publish();
      return true;
    }
    // A gap longer than the ring: it is published once everything before it was read, and the
    // writer waits until consumers have noticed it.
    if (sequence === next || !this.#host.hasCredit(next + slotCount - 1)) return false;
    this.#skip(next, sequence);
    this.#publish();
    return this.#host.hasCredit(sequence);
  }

  /**
   * Whether the host grants credit for `sequence`. The limit is asked for again only when the last
   * one does not reach: a small buffer costs less than the question.
   */
  mayWrite(sequence: number): boolean {
    const { changes } = this.#host;
    if (sequence < this.#creditLimit && changes === this.#creditChanges) return true;
    this.#creditLimit = this.#host.creditLimit;
    this.#creditChanges = changes;
    return sequence < this.#creditLimit;
  }

  /** Resolves when `advanceTo` may succeed. */
  room(): Promise<void> {
    return this.#host.credit(Math.min(this.#waitingFor, this.#ring.next + this.#file.geometry.slotCount - 1));
  }

  #publish(): void {
    this.#ring.publish();
    this.#host.published();
  }

  #skip(from: number, to: number): void {
    if (from === to) return;
    const isNew = this.#file.published === 0;
    this.#ring.skipTo(to);
    if (isNew) return; // what was before the first buffer of a new file is not lost
    this.gaps += 1;
    this.missing += to - from;
  }
}
