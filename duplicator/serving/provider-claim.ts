/**
 * The one provider a local flow may have: who sits there, how far it may write, and what it has
 * written. The provider writes slots and `published` itself; here its credit is granted, in the
 * flow file for a busy provider to look at and over the link for one that waits.
 *
 * Credit is the slowest lossless acknowledgement, or what is known to be published if that is less,
 * plus the ring's size. It is taken back when a consumer joins at a buffer that it would allow to
 * overwrite: the lower word is stored, then the slots are looked at. A provider clears its slot
 * before it looks at the word, so one of the two sees the other, whatever the moment.
 *
 * | state  | event                | next   |
 * | ------ | -------------------- | ------ |
 * | empty  | take()               | seated |
 * | seated | take() by another    | seated, refused |
 * | seated | published()          | seated, to be answered |
 * | seated | answer()             | seated, knows its credit |
 * | seated | finish()             | seated, its leaving will be an end and no death |
 * | seated | leave()              | empty  |
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { GENERATION_SHIFT } from '../../protocol/flow/flow-file/layout.js';
import type { LinkConnection } from '../../protocol/flow/signal-link/link.js';
import { MessageKind, packHello, type Hello } from '../../protocol/flow/signal-link/messages.js';

/** Generations wrap within the half word that a slot has for them; 0 is never one. */
const GENERATIONS = 0xffff;

export class ProviderClaim {
  readonly #file: FlowFile;
  readonly #slowest: () => number;
  readonly #later: (action: () => void) => void;
  #link: LinkConnection | undefined;
  #generation = 0;
  #granted = 0;
  /** The credit that the provider was last told of over its link. */
  #told = 0;
  #known: number;
  #finished = false;
  /** It is told at the end of this turn of the event loop. */
  #toTell = false;

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
    this.#known = file.published;
    this.#generation = newestGeneration(file);
    this.#grant();
  }

  get taken(): boolean {
    return this.#link !== undefined;
  }

  /** Of the provider that sits there, or sat there last; 0 before the first. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * The oldest sequence from `wanted` on that is still in the ring. `hold`: no credit allows to
   * overwrite it any more; the caller's acknowledgement must count as the slowest before credit is
   * granted again.
   */
  oldest(wanted: number, hold: boolean): number {
    const { geometry, published } = this.#file;
    const { slotCount } = geometry;
    const before = this.#granted;
    let oldest = Math.min(published, Math.max(0, wanted, published - slotCount));
    if (hold) this.#limit(Math.min(before, oldest + slotCount));
    while (oldest < published && !this.#file.holds(oldest)) oldest += 1;
    if (hold) {
      this.#limit(Math.min(before, oldest + slotCount));
      this.#tell(); // it may have looked at the word in between, and wait
    }
    return oldest;
  }

  /**
   * Seats a provider: it continues the sequences under a generation of its own. False when somebody
   * sits there.
   */
  take(link: LinkConnection, hello: Hello): boolean {
    if (this.#link !== undefined) return false;
    this.#link = link;
    this.#finished = false;
    this.#generation = (this.#generation % GENERATIONS) + 1;
    this.#known = this.#file.published;
    this.#grant();
    link.signal(MessageKind.WELCOME, this.#file.epoch, packHello(hello));
    link.signal(MessageKind.BEGIN, this.#known, this.#generation);
    this.#tell();
    return true;
  }

  sits(link: LinkConnection): boolean {
    return this.#link === link;
  }

  /**
   * The provider says that it has published below `sequence`. False when that is impossible. To be
   * answered, whatever came of it.
   */
  published(sequence: number): boolean {
    if (sequence < this.#known || sequence > this.#granted || sequence > this.#file.published) return false;
    this.#known = sequence;
    this.#grant();
    return true;
  }

  /**
   * Answers what the provider said with its credit. `unneeded`: it looks at the word that it was
   * heard, so it is answered only when it has published more meanwhile, may be waiting, or is a
   * quarter of the ring behind in what it knows.
   */
  answer(unneeded = false): void {
    if (unneeded) {
      this.#file.heard = this.#known;
      const news = this.#granted - this.#told >= this.#file.geometry.slotCount / 4;
      if (this.#file.published === this.#known && this.#known < this.#told && !news) return;
    }
    this.#tell();
  }

  /**
   * A consumer acknowledged, came or went: a provider that may be waiting is told of more credit.
   * At once when that is a quarter of the ring, or all there will be for now; otherwise with what
   * else this turn brings, since one that is woken for every slot does little else than wake up.
   */
  update(): void {
    const before = this.#granted;
    this.#grant();
    if (this.#granted <= this.#told) return;
    const { geometry, published } = this.#file;
    if (this.#granted - this.#told >= geometry.slotCount / 4) this.#tell();
    else if (published < before)
      return; // it has credit
    else if (this.#slowest() >= published) this.#tell();
    else if (!this.#toTell) {
      this.#toTell = true;
      this.#later(() => {
        this.#toTell = false;
        if (this.#granted > this.#told) this.#tell();
      });
    }
  }

  /** The provider says that nothing comes any more. */
  finish(): void {
    this.#finished = true;
  }

  /**
   * The provider has gone: what it published counts even if it had no time to say so. Returns
   * whether it said that it would go.
   */
  leave(): boolean {
    this.#link = undefined;
    this.#known = Math.max(this.#known, Math.min(this.#file.published, this.#granted));
    this.#grant();
    return this.#finished;
  }

  #tell(): void {
    this.#told = this.#granted;
    this.#link?.signal(MessageKind.CREDIT, this.#granted);
  }

  /** Down from what was granted, and up again as far as slots turned out to be gone. */
  #limit(limit: number): void {
    if (limit < this.#granted) this.#file.lowerGranted(limit);
    else this.#file.granted = limit;
    this.#granted = limit;
  }

  #grant(): void {
    const limit = Math.min(this.#slowest(), this.#known) + this.#file.geometry.slotCount;
    if (limit <= this.#granted) return;
    this.#granted = limit;
    this.#file.granted = limit;
  }
}

/** The provider of the newest buffer: generations go on in a file that was taken over. */
function newestGeneration(file: FlowFile): number {
  const { published } = file;
  return published === 0 ? 0 : file.slotFlags(published - 1) >>> GENERATION_SHIFT;
}
