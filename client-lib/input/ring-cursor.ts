/**
 * The place of a consumer in the ring of a flow file, for one attachment: its link and reader, the
 * payload views, and the buffers that it missed. The part of ConsumerAttachment that both engines
 * read buffers with. Reads the mapped file.
 */
import type { RingReader } from '../../protocol/flow/flow-file/ring-reader.js';
import type { ConsumerLink } from './consumer-link.js';

export class RingCursor {
  readonly link: ConsumerLink;
  readonly reader: RingReader;
  /** The reader's `missed` at the last `countMissed`; -1 before the first. */
  checkedMissed = -1;
  /** Views of the size last seen in each slot of the ring. */
  readonly #views: (Uint8Array | undefined)[] = [];
  #countedMissed: number;

  constructor(link: ConsumerLink) {
    this.link = link;
    this.reader = link.reader;
    // What the reader skipped at the start is counted by `missedAtStart`, as far as it was
    // requested.
    this.#countedMissed = link.reader.missed;
  }

  /** Payload at the reader's position: the same object per slot while the size stays the same. */
  view(): Uint8Array {
    const { reader } = this;
    const cached = this.#views[reader.slot];
    if (cached !== undefined && cached.length === reader.size) return cached;
    const view = reader.view();
    this.#views[reader.slot] = view;
    return view;
  }

  /** Number of buffers that were missed since the last call. */
  countMissed(): number {
    const { missed } = this.reader;
    const more = missed - this.#countedMissed;
    this.#countedMissed = missed;
    this.checkedMissed = missed;
    this.link.missed += more;
    return more;
  }

  /** Sequences have started again: continues at the oldest, of which nothing was missed. */
  restart(): void {
    this.reader.enterEpoch('oldest');
    this.#countedMissed = this.reader.missed;
  }
}
