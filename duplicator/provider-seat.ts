/**
 * The one provider a local flow may have: who sits there, how far it may write, and what it has written. The provider writes slots and
 * `published` itself; here its credit is granted, in the flow file for a busy provider to look at and over the link for one that waits.
 *
 * Credit is the slowest lossless acknowledgement, or what is known to be published if that is less, plus the ring's size: so a
 * consumer that joins at the oldest buffer can never be overrun by credit that was granted before.
 *
 * | state  | event                | next   |
 * | ------ | -------------------- | ------ |
 * | empty  | take()               | seated |
 * | seated | take() by another    | seated, refused |
 * | seated | published()          | seated, credit answered |
 * | seated | leave()              | empty  |
 */
import type { FlowFile } from '../protocol/flow-file/flow-file.js';
import { slotOffset } from '../protocol/flow-file/geometry.js';
import { GENERATION_SHIFT, HEADER, SLOT } from '../protocol/flow-file/layout.js';
import type { LinkConnection } from '../protocol/signal-link/link.js';
import { MessageKind, packHello, type Hello } from '../protocol/signal-link/messages.js';

/** Generations wrap within the half word that a slot has for them; 0 is never one. */
const GENERATIONS = 0xffff;

export class ProviderSeat {
  readonly #file: FlowFile;
  readonly #slowest: () => number;
  #link: LinkConnection | undefined;
  #generation = 0;
  #granted = 0;
  /** The credit that the provider was last told of over its link. */
  #told = 0;
  #known: number;

  /** `slowest`: the slowest lossless acknowledgement, Infinity without one. */
  constructor(file: FlowFile, slowest: () => number) {
    this.#file = file;
    this.#slowest = slowest;
    this.#known = file.published;
    this.#generation = newestGeneration(file);
    this.#grant();
  }

  get taken(): boolean {
    return this.#link !== undefined;
  }

  /** The oldest sequence that no granted credit allows to overwrite. */
  get oldest(): number {
    return Math.max(0, this.#granted - this.#file.geometry.slotCount);
  }

  /** Seats a provider: it continues the sequences under a generation of its own. False when somebody sits there. */
  take(link: LinkConnection, hello: Hello): boolean {
    if (this.#link !== undefined) return false;
    this.#link = link;
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

  /** The provider says that it has published below `sequence`. False when that is impossible. Always answered with the credit. */
  published(sequence: number): boolean {
    if (sequence < this.#known || sequence > this.#granted || sequence > this.#file.published) return false;
    this.#known = sequence;
    this.#grant();
    this.#tell();
    return true;
  }

  /** A consumer acknowledged, came or went: a provider that may be waiting is told of more credit. */
  update(): void {
    const before = this.#granted;
    this.#grant();
    const waiting = this.#file.published >= before;
    if (
      this.#granted > this.#told &&
      (waiting || this.#granted - this.#told >= this.#file.geometry.slotCount / 4)
    )
      this.#tell();
  }

  /** The provider has gone: what it published counts even if it had no time to say so. */
  leave(): void {
    this.#link = undefined;
    this.#known = Math.max(this.#known, Math.min(this.#file.published, this.#granted));
    this.#grant();
  }

  #tell(): void {
    this.#told = this.#granted;
    this.#link?.signal(MessageKind.CREDIT, this.#granted);
  }

  #grant(): void {
    const limit = Math.min(this.#slowest(), this.#known) + this.#file.geometry.slotCount;
    if (limit <= this.#granted) return;
    this.#granted = limit;
    this.#file.words.store64(HEADER.granted, limit);
  }
}

/** The provider of the newest buffer: generations go on in a file that was taken over. */
function newestGeneration({ geometry, words, published }: FlowFile): number {
  return published === 0
    ? 0
    : words.load32(slotOffset(geometry, published - 1) + SLOT.flags) >>> GENERATION_SHIFT;
}
