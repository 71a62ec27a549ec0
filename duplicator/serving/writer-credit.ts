/**
 * How far the writer of a flow may go: the slowest lossless acknowledgement plus the ring's size,
 * and after a take-over no further than before until the consumers are back. A provider is told
 * through its seat, the duplicator itself waits here. Who holds the writer back for too long has
 * stalled.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import type { Consumer, ConsumerRegistry } from './consumer-registry.js';
import { ProviderClaim } from './provider-claim.js';
import { StallWatch } from './stall-watch.js';

export interface WriterCreditOptions {
  readonly file: FlowFile;
  readonly registry: ConsumerRegistry;
  readonly clock: Clock;
  /** The writer is a provider, which has a seat; otherwise the duplicator itself. */
  readonly local: boolean;
  /** Milliseconds; 0 is never. */
  readonly stallTimeoutMs: number;
  /**
   * The first sequence that somebody who is awaited after a take-over may still need; Infinity when
   * nobody is.
   */
  readonly awaitedFrom: () => number;
  /** Makes a consumer lossy that has stalled, so that it holds nobody back any more. */
  readonly stalled: (consumer: Consumer) => void;
}

export class WriterCredit {
  readonly #file: FlowFile;
  readonly #registry: ConsumerRegistry;
  /** The provider's; undefined where the duplicator fills the flow by itself. */
  readonly seat: ProviderClaim | undefined;
  readonly #awaitedFrom: () => number;
  readonly stall: StallWatch;
  readonly #waiters = new Set<() => void>();
  /** The sequence that the duplicator itself waits to write. */
  #wanted = 0;
  #closed = false;
  /** Times that the duplicator itself had to wait. */
  stalls = 0;

  constructor({ file, registry, clock, local, stallTimeoutMs, awaitedFrom, stalled }: WriterCreditOptions) {
    this.#file = file;
    this.#registry = registry;
    this.#awaitedFrom = awaitedFrom;
    this.seat = local ? new ProviderClaim(file, () => this.neededFrom) : undefined;
    this.stall = new StallWatch(clock, stallTimeoutMs, () => this.holding(), stalled);
  }

  /**
   * The first sequence that a lossless consumer needs, one that is awaited among them; Infinity
   * without one.
   */
  get neededFrom(): number {
    return Math.min(this.#registry.slowest(), this.#awaitedFrom());
  }

  /** Sequences below it may be written, until a consumer comes or changes. */
  get limit(): number {
    return this.neededFrom + this.#file.geometry.slotCount;
  }

  /** Resolves when the slot of `sequence` may be written; also when the flow closes. */
  async wait(sequence: number): Promise<void> {
    if (sequence < this.limit) return;
    this.stalls += 1;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!this.#closed && sequence >= this.limit) return;
        this.#waiters.delete(look);
        resolve();
      };
      this.#waiters.add(look);
      this.#wanted = sequence;
      this.stall.look();
    });
  }

  /** A consumer acknowledged, came, changed or went: the writer gets what that leaves room for. */
  grant(): void {
    this.seat?.update();
    this.stall.look();
    for (const look of this.#waiters) look();
  }

  /** The lossless consumers without whose acknowledgement the writer cannot go on. */
  holding(): Consumer[] {
    // A provider stops where its credit ends, which is a ring beyond the slowest; the duplicator
    // itself says what it waits for.
    if (this.seat === undefined ? this.#waiters.size === 0 : !this.seat.taken) return [];
    const next = this.seat === undefined ? this.#wanted : this.#file.published;
    const { slotCount } = this.#file.geometry;
    return [...this.#registry.all()].filter(
      ({ delivery, acknowledged }) => delivery === 'lossless' && acknowledged + slotCount <= next,
    );
  }

  /** From the next `grant` on whoever waits goes on, credit or not. */
  close(): void {
    this.#closed = true;
    this.stall.stop();
  }
}
