/**
 * The claim of a local flow's one provider (the process that writes the buffers): which client has
 * it, what that client has published, and its credit, the sequences that it may write. Owned by
 * WriterCredit; Admission grants the claim, LinkProtocol reports the provider's messages. Writes
 * `granted` and `heard` in the flow file and sends CREDIT messages; the provider itself writes the
 * slots and `published`.
 *
 * Credit is the slowest lossless acknowledgement, or the reported publications if those are fewer,
 * plus the ring's size. The provider claims slots in the file before it clears them: it stores its
 * claim, then loads the credit, and withdraws what the credit does not cover. A consumer begins
 * where no claim can reach its buffers, and credit is lowered so far that none will: first the
 * lower word is stored, then the claim loaded, so that at least one of the two sees the other's
 * store. A claim that the lowered credit covers may be withdrawn and stored again at any moment: it
 * counts even when the later load does not show it.
 *
 * | state | event                     | next                                          |
 * | ----- | ------------------------- | --------------------------------------------- |
 * | free  | take()                    | held                                          |
 * | held  | take() by another client  | held, the other is refused                    |
 * | held  | published()               | held, an answer is due                        |
 * | held  | answer()                  | held, the provider has its credit             |
 * | held  | leave()                   | free                                          |
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { GENERATION_SHIFT } from '../../protocol/flow/flow-file/layout.js';
import { RingWriter } from '../../protocol/flow/flow-file/ring-writer.js';
import type { LinkConnection } from '../../protocol/flow/signal-link/link.js';
import { MessageKind, packHello, type Hello } from '../../protocol/flow/signal-link/messages.js';

/** Generations are 1 to this number, then 1 again: a slot has 16 bits for them. */
const GENERATIONS = 0xffff;
/** A provider that waits is woken for no less than this part of the ring. */
const WORTHWHILE_PART = 1 / 4;

export class ProviderClaim {
  readonly #file: FlowFile;
  readonly #slowest: () => number;
  readonly #later: (action: () => void) => void;
  #link: LinkConnection | undefined;
  #generation: number;
  /** The credit in the flow file. */
  #granted = 0;
  /** The credit that was last sent over the link. */
  #sent = 0;
  /** The publications that the provider has reported. */
  #reported: number;
  /**
   * The credit that a dead duplicator had granted: its provider may have published up to it in a
   * file that another program has removed, and consumers may have read that.
   */
  readonly grantedBefore: number;
  /** Credit is sent at the end of this turn of the event loop. */
  #sendScheduled = false;
  /** The answer is sent when the messages that arrived together are handled. */
  #answerScheduled = false;

  /**
   * `slowest`: the slowest lossless acknowledgement, Infinity without one; `later`: runs the action
   * at the end of this turn of the event loop.
   */
  constructor(
    file: FlowFile,
    slowest: () => number,
    later: (action: () => void) => void = (action) => void setImmediate(action),
  ) {
    this.#file = file;
    this.#slowest = slowest;
    this.#later = later;
    this.#reported = file.published;
    this.grantedBefore = file.granted;
    this.#generation = newestGeneration(file);
    this.#grant();
  }

  get taken(): boolean {
    return this.#link !== undefined;
  }

  /** Generation of the present or last provider; 0 before the first. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * The oldest sequence from `requested` on that the provider cannot have begun to overwrite.
   * `hold`: lowers the credit so that it will not; the caller must register its acknowledgement
   * before credit is granted again.
   */
  oldest(requested: number, hold: boolean): number {
    const { published } = this.#file;
    const { slotCount } = this.#file.geometry;
    const before = this.#granted;
    const wanted = Math.min(published, Math.max(0, requested, published - slotCount));
    const claimed = hold ? this.#file.claimed : 0;
    if (hold) this.#limit(Math.min(before, Math.max(wanted + slotCount, claimed)));
    const reached = Math.max(claimed, this.#file.claimed);
    const oldest = Math.min(published, Math.max(wanted, reached - slotCount));
    if (hold) {
      this.#limit(Math.min(before, oldest + slotCount));
      this.#send(); // the provider may have read the lower word meanwhile and wait
    }
    return oldest;
  }

  /**
   * Whether every sequence from `sequence` on is held for another lossless consumer, or for one
   * that a dead duplicator had admitted: nothing that is published of them was overwritten.
   */
  holdsFrom(sequence: number): boolean {
    return sequence >= this.#slowest();
  }

  /**
   * Grants the claim to a client and welcomes it: it continues the sequences under a new
   * generation, or under its own when it reattaches. `resumed`: the generation of a provider that
   * reattaches, which continues its own buffers. `read`: no consumer has read further; beyond what
   * is published after a file was put back, and then another provider does not use these sequences
   * again. Returns false when another client has the claim.
   */
  take(link: LinkConnection, hello: Hello, resumed?: number, read = 0): boolean {
    if (this.#link !== undefined) return false;
    this.#link = link;
    const isOther = resumed === undefined || resumed !== this.#generation;
    if (isOther && read > this.#file.published) skipTo(this.#file, read);
    this.#reported = this.#file.published;
    if (isOther) {
      this.#generation = (this.#generation % GENERATIONS) + 1;
      this.#file.providerFirst = this.#reported;
      this.#file.clearUnpublished();
    }
    this.#grant();
    link.signal(MessageKind.WELCOME, this.#file.epoch, packHello(hello));
    link.signal(MessageKind.BEGIN, this.#reported, this.#generation);
    this.#send();
    return true;
  }

  /** Whether the client of this connection is the provider. */
  isHeldBy(link: LinkConnection): boolean {
    return this.#link === link;
  }

  /**
   * The provider reports that it published below `sequence`. Returns false when that is impossible;
   * otherwise `answer` must follow.
   */
  published(sequence: number): boolean {
    const possible =
      sequence >= this.#reported && sequence <= this.#granted && sequence <= this.#file.published;
    if (!possible) return false;
    this.#reported = sequence;
    this.#grant();
    return true;
  }

  /**
   * Answers a report with the credit; reports that arrived together get one answer. `optional`: the
   * provider reads from the file that its report was handled, and needs an answer only when it has
   * published more meanwhile, may wait for credit, or can be given much more.
   */
  answer(optional = false): void {
    if (optional) {
      this.#file.heard = this.#reported;
      const hasCredit = this.#file.published === this.#reported && this.#reported < this.#sent;
      if (hasCredit && !this.#isWorthwhile()) return;
      this.#send();
    } else if (!this.#answerScheduled) {
      this.#answerScheduled = true;
      queueMicrotask(() => {
        this.#answerScheduled = false;
        this.#send();
      });
    }
  }

  /**
   * A consumer acknowledged, joined or left: sends more credit to a provider that may wait for it.
   * At once when it is worthwhile or all there will be for now; otherwise together with what else
   * this turn brings, so that the provider is not woken for every slot.
   */
  update(): void {
    const before = this.#granted;
    this.#grant();
    if (this.#granted <= this.#sent) return;
    const { published } = this.#file;
    if (this.#isWorthwhile()) this.#send();
    else if (published < before)
      return; // the provider has credit left
    else if (this.#slowest() >= published) this.#send();
    else if (!this.#sendScheduled) {
      this.#sendScheduled = true;
      this.#later(() => {
        this.#sendScheduled = false;
        if (this.#granted > this.#sent) this.#send();
      });
    }
  }

  /** The provider announced its end or disconnected: what it published counts, reported or not. */
  leave(): void {
    this.#link = undefined;
    this.#reported = Math.max(this.#reported, Math.min(this.#file.published, this.#granted));
    this.#grant();
  }

  #isWorthwhile(): boolean {
    return this.#granted - this.#sent >= this.#file.geometry.slotCount * WORTHWHILE_PART;
  }

  #send(): void {
    this.#sent = this.#granted;
    this.#link?.signal(MessageKind.CREDIT, this.#granted);
  }

  /** Lowers the credit, or raises it again after it was lowered too far. */
  #limit(limit: number): void {
    if (limit < this.#granted) this.#file.lowerGranted(limit);
    else this.#file.granted = limit;
    this.#granted = limit;
  }

  #grant(): void {
    const limit = Math.min(this.#slowest(), this.#reported) + this.#file.geometry.slotCount;
    if (limit <= this.#granted) return;
    this.#granted = limit;
    this.#file.granted = limit;
  }
}

/** The generation of the newest buffer, which continues in a file that was taken over. */
function newestGeneration(file: FlowFile): number {
  const { published } = file;
  return published === 0 ? 0 : file.slotFlags(published - 1) >>> GENERATION_SHIFT;
}

/** Publishes the sequences below `sequence` that were not, as missing. */
function skipTo(file: FlowFile, sequence: number): void {
  const writer = new RingWriter(file);
  writer.skipTo(sequence);
  writer.publish();
}
