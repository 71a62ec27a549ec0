/**
 * Decides when a provider signals its duplicator what it has published: at low rates every time and
 * at once; at high rates when the last signal was handled, or when a quarter of the ring has been
 * published since. One per link, used by OutputFlow. Sends on the signal link.
 */
import type { LinkConnection } from '../../protocol/flow/signal-link/link.js';
import { LAST, MessageKind, UNANSWERED } from '../../protocol/flow/signal-link/messages.js';
import type { OutputRing } from './output-ring.js';

/**
 * A signal so long after the previous one asks for no answer: at low rates an answer would only
 * wake this process, even before the consumer.
 */
const LOW_RATE_INTERVAL_NS = 200_000;

export class OutputSignals {
  readonly #link: LinkConnection;
  readonly #ring: OutputRing;
  /** The count that was signalled last, when, and whether the duplicator has answered. */
  #signalled: number;
  #signalledNs = 0;
  #answered = true;
  /** The last signal asked for no answer: the duplicator stores the count in the file instead. */
  #unanswered = false;

  constructor(link: LinkConnection, ring: OutputRing) {
    this.#link = link;
    this.#ring = ring;
    this.#signalled = ring.published;
  }

  /** Sequences below `published` can be read. `nowNs`: wall clock, nanoseconds since 1970. */
  published(published: number, nowNs: number): void {
    if (published === this.#signalled) return;
    if (this.#isHandled() || published - this.#signalled >= this.#ring.quarter)
      this.#signal(published, nowNs);
  }

  /** The duplicator has answered the last signal. */
  answered(nowNs: number): void {
    this.#answered = true;
    const { published } = this.#ring;
    if (published !== this.#signalled) this.#signal(published, nowNs);
  }

  /** Sends the final count: the provider closes the flow after it. */
  last(published: number): void {
    this.#link.signal(MessageKind.PUBLISHED, published, LAST);
  }

  /** Whether the duplicator has handled the last signal. */
  #isHandled(): boolean {
    return this.#answered || (this.#unanswered && this.#ring.heard >= this.#signalled);
  }

  #signal(published: number, nowNs: number): void {
    this.#signalled = published;
    this.#answered = false;
    this.#unanswered = nowNs - this.#signalledNs > LOW_RATE_INTERVAL_NS;
    this.#signalledNs = nowNs;
    this.#link.signal(MessageKind.PUBLISHED, published, this.#unanswered ? UNANSWERED : 0);
  }
}
