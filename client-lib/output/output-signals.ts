/**
 * When a provider tells its duplicator what it has published: at low rates every time and at once;
 * at high rates when the last signal was dealt with, or when a quarter of the ring has come
 * together. One per link.
 */
import type { LinkConnection } from '../../protocol/flow/signal-link/link.js';
import { LAST, MessageKind, UNANSWERED } from '../../protocol/flow/signal-link/messages.js';
import type { OutputRing } from './output-ring.js';

/**
 * A signal so long after the last one asks for no answer: at low rates that would only wake this
 * process, before the consumer even.
 */
const SELDOM_NS = 200_000;

export class OutputSignals {
  readonly #link: LinkConnection;
  readonly #ring: OutputRing;
  /** The count that the duplicator was told last, when, and whether it has answered. */
  #told: number;
  #toldNs = 0;
  #answered = true;
  /** It was asked not to answer, but to note in the file that it has heard. */
  #unanswered = false;

  constructor(link: LinkConnection, ring: OutputRing) {
    this.#link = link;
    this.#ring = ring;
    this.#told = ring.published;
  }

  /** Everything below `published` can be read; at `nowNs`, nanoseconds of the wall clock. */
  published(published: number, nowNs: number): void {
    if (published === this.#told) return;
    if (this.#heard || published - this.#told >= this.#ring.quarter) this.#tell(published, nowNs);
  }

  /** The duplicator has answered the last signal. */
  answered(nowNs: number): void {
    this.#answered = true;
    const { published } = this.#ring;
    if (published !== this.#told) this.#tell(published, nowNs);
  }

  /** The provider leaves after this, and no other will tell its duplicator. */
  last(published: number): void {
    this.#link.signal(MessageKind.PUBLISHED, published, LAST);
  }

  /** Whether the duplicator has dealt with what it was told last. */
  get #heard(): boolean {
    return this.#answered || (this.#unanswered && this.#ring.heard >= this.#told);
  }

  #tell(published: number, nowNs: number): void {
    this.#told = published;
    this.#answered = false;
    this.#unanswered = nowNs - this.#toldNs > SELDOM_NS;
    this.#toldNs = nowNs;
    this.#link.signal(MessageKind.PUBLISHED, published, this.#unanswered ? UNANSWERED : 0);
  }
}
