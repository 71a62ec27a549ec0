/**
 * A provider of a flow: it claims the role on the link, and writes numbered buffers through the
 * ring of the client library. Its stores are made one by one, see interrupted-file.ts. Used by the
 * world of interrupted flows.
 */
import { OutputRing } from '../../../client-lib/output/output-ring.js';
import type { RingSlot } from '../../../client-lib/output/ring-slot.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { MessageKind, UNANSWERED, packHello } from '../../../protocol/flow/signal-link/messages.js';
import type { MemoryLink } from '../../kit/memory-link.js';
import { fill } from './ledger.js';

/** Owner of slots that are committed through the ring only. */
const NO_OWNER = { commit: () => undefined, abandon: () => undefined };

export class InterruptedProvider {
  readonly #file: FlowFile;
  readonly #between: () => void;
  readonly #nextContent: () => number;
  #link: MemoryLink | undefined;
  #ring: OutputRing | undefined;

  /** `file`: with interrupted stores; `between`: called between two stores to a payload. */
  constructor(file: FlowFile, between: () => void, nextContent: () => number) {
    this.#file = file;
    this.#between = between;
    this.#nextContent = nextContent;
  }

  get link(): MemoryLink | undefined {
    return this.#link;
  }

  get attached(): boolean {
    return this.#ring !== undefined && this.#link?.closed === false;
  }

  join(link: MemoryLink): void {
    this.#link = link;
    link.onMessage((kind, _value, detail) => {
      if (kind === MessageKind.BEGIN) this.#ring = new OutputRing(this.#file, detail, NO_OWNER);
      // The provider before may not have been noticed to be dead yet: it tries again.
      if (kind === MessageKind.REFUSED) link.close();
    });
    link.onClose(() => {
      this.#link = undefined;
      this.#ring = undefined;
    });
    link.signal(MessageKind.HELLO, 2, packHello({ role: 'provider', delivery: 'lossless', start: 'latest' }));
  }

  /** Reserves up to `slots`, fills them, commits or abandons each, publishes and reports. */
  write(slots: number, abandons: (slot: number) => boolean): void {
    const ring = this.#ring;
    if (ring === undefined) return;
    const reserved: RingSlot[] = [];
    for (let count = 0; count < slots; count += 1) {
      const slot = ring.reserve();
      if (slot === undefined) break;
      fill(slot.data, this.#nextContent(), this.#between);
      reserved.push(slot);
    }
    for (const [index, slot] of reserved.entries()) {
      if (abandons(index)) ring.abandon(slot);
      else ring.commit(slot, slot.data.length, 1, 0);
    }
    const published = ring.publish();
    this.#between();
    // Every other report asks for no answer: then the duplicator notes it in the file.
    this.#link?.signal(MessageKind.PUBLISHED, published, published % 2 === 0 ? UNANSWERED : 0);
  }
}
