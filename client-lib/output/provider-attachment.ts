/**
 * A provider's attachment to one duplicator: the ring of the flow file, the signal link, and when
 * to signal on it. A reattachment makes a new one. Used by OutputFlow. Writes the mapped file and
 * sends on the link.
 */
import type { LinkEnd } from '../../protocol/flow/signal-link/link.js';
import { MessageKind } from '../../protocol/flow/signal-link/messages.js';
import { OutputRing } from './output-ring.js';
import { OutputSignals } from './output-signals.js';
import type { EarlierClaim, ProviderClaim } from './provider-claim.js';
import type { SlotOwner } from './ring-slot.js';

export class ProviderAttachment {
  readonly ring: OutputRing;
  readonly signals: OutputSignals;
  /** Why the link has ended; undefined while it is open. */
  end: LinkEnd | undefined;
  /** Resolves when the link has ended on both sides. */
  readonly linkEnded: Promise<void>;
  readonly #claim: ProviderClaim;
  #left = false;

  /** Of the flow file when this provider attached to it. */
  get epoch(): number {
    return this.#claim.link.epoch;
  }

  /** For the reattachment. */
  get earlier(): EarlierClaim {
    const { epoch, generation } = this.#claim.link;
    return { epoch, generation };
  }

  constructor(
    claim: ProviderClaim,
    owner: SlotOwner,
    onCredit: (from: ProviderAttachment) => void,
    onEnd: (from: ProviderAttachment, end: LinkEnd) => void,
  ) {
    const { file, link } = claim;
    this.#claim = claim;
    this.ring = new OutputRing(file, link.generation, owner);
    this.signals = new OutputSignals(link.connection, this.ring);
    link.connection.onMessage((kind) => {
      if (kind === MessageKind.CREDIT) onCredit(this);
    });
    this.linkEnded = new Promise((resolve) => {
      link.onEnd((end) => {
        resolve();
        onEnd(this, end);
      });
    });
  }

  /** Whether buffers can be written: false once the link has ended or was closed here. */
  get isOpen(): boolean {
    return this.end === undefined && !this.#left;
  }

  /** Publishes everything committed, and signals it as the link's rules say. */
  publish(turnNs: number): void {
    const published = this.ring.publish();
    if (this.end === undefined) this.signals.published(published, turnNs);
  }

  /** Publishes everything committed, and sends the final count. */
  publishLast(): void {
    this.signals.last(this.ring.publish());
  }

  /** Closes the link. */
  leave(): void {
    this.#left = true;
    this.#claim.link.connection.close();
  }
}
