/**
 * The credit of one flow's writer: how far it may write before it overwrites a buffer that a
 * lossless consumer still needs, which is the slowest acknowledgement plus the ring's size. After a
 * take-over of a dead owner's file it ends where it was until the expected consumers have
 * reattached. Used by FlowHost, Admission and RemoteConsumers.
 *
 * A provider reads its credit through its claim; the duplicator itself, where it fills the flow,
 * waits for it here. Reads the flow file and writes, through the claim, the provider's credit.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { GENERATION_SHIFT } from '../../protocol/flow/flow-file/layout.js';
import type { Consumer, Delivery } from './consumer-registry.js';
import type { FlowConsumers } from './flow-consumers.js';
import { ProviderClaim } from './provider-claim.js';
import { StallWatch } from './stall-watch.js';

export interface WriterCreditOptions {
  readonly file: FlowFile;
  readonly consumers: FlowConsumers;
  readonly clock: Clock;
  /** A provider process writes the flow; otherwise the duplicator itself does. */
  readonly local: boolean;
  /** Slots beyond the published ones that the duplicator clears before it asks for credit. */
  readonly openSlots: number;
  /** Milliseconds; 0 is never. */
  readonly stallTimeoutMs: number;
  /** Must make the stalled consumer lossy, so that it no longer holds the writer back. */
  readonly onStalled: (consumer: Consumer) => void;
}

const NONE: ReadonlySet<Consumer> = new Set();

export class WriterCredit {
  readonly #file: FlowFile;
  readonly #consumers: FlowConsumers;
  readonly #openSlots: number;
  /** Claim of a local flow's provider; undefined where the duplicator fills the flow. */
  readonly claim: ProviderClaim | undefined;
  readonly stall: StallWatch;
  readonly #waiters = new Set<() => void>();
  /** The sequence that the duplicator itself waits to write. */
  #requested = 0;
  #closed = false;
  #stalls = 0;

  constructor(options: WriterCreditOptions) {
    const { file, consumers, clock, local, openSlots, stallTimeoutMs, onStalled } = options;
    this.#file = file;
    this.#consumers = consumers;
    this.#openSlots = openSlots;
    this.claim = local ? new ProviderClaim(file, () => consumers.neededFrom) : undefined;
    this.stall = new StallWatch(clock, stallTimeoutMs, () => this.blocking(), onStalled);
  }

  /** Times that the duplicator itself had to wait. */
  get stalls(): number {
    return this.#stalls;
  }

  /** Sequences below it may be written, until a consumer joins or changes its delivery. */
  get limit(): number {
    return this.#consumers.neededFrom + this.#file.geometry.slotCount;
  }

  /** Resolves when the slot of `sequence` may be written; also when the flow closes. */
  async wait(sequence: number): Promise<void> {
    if (sequence < this.limit) return;
    this.#stalls += 1;
    await new Promise<void>((resolve) => {
      const retry = (): void => {
        if (!this.#closed && sequence >= this.limit) return;
        this.#waiters.delete(retry);
        resolve();
      };
      this.#waiters.add(retry);
      this.#requested = sequence;
      this.#consumers.rows.blocked(this.blocking());
      this.stall.check();
    });
  }

  /** To be called when the provider has published: it may have come to the end of its credit. */
  noteBlocked(): void {
    if (this.#file.published >= this.limit) this.#consumers.rows.blocked(this.blocking());
  }

  /** To be called when a consumer acknowledged, joined, changed or left. */
  grant(): void {
    this.claim?.update();
    // After `close` no consumer is demoted, and no timer may stay.
    if (!this.#closed) this.stall.check();
    for (const retry of this.#waiters) retry();
  }

  /**
   * The oldest sequence from `requested` on at which a new consumer can begin: the writer has not
   * opened its slot and, for a lossless consumer, will not without credit. `resumes`: the consumer
   * read this epoch of the flow before.
   */
  oldest(delivery: Delivery, requested = 0, resumes = false): number {
    const lossless = delivery === 'lossless';
    if (this.claim !== undefined) {
      // A claim that a stopped provider has not checked yet must not cost a consumer what is held
      // for it.
      const held = lossless && resumes && this.claim.holdsFrom(requested);
      return held ? requested : this.claim.oldest(requested, lossless);
    }
    const { geometry, published } = this.#file;
    const ring = published - geometry.slotCount;
    const safe = ring + (lossless ? this.#openSlots : Math.max(1, this.#openSlots));
    // What another consumer holds is there to the last slot: the writer waits for that very slot.
    let oldest = Math.max(0, requested, ring, Math.min(safe, this.#consumers.neededFrom));
    // A sequence that was lost between hosts is no buffer to begin with.
    while (oldest < published && !this.#file.holds(oldest)) oldest += 1;
    return oldest;
  }

  /**
   * The first sequence of the present provider's buffers, or the last one's: where `start: oldest`
   * begins, as far as the ring reaches. In a flow of another host, the first buffer of its newest
   * provider.
   */
  get providerFirst(): number {
    const { published, providerFirst } = this.#file;
    return this.claim === undefined ? firstOfGeneration(this.#file) : Math.min(published, providerFirst);
  }

  /** The lossless consumers that hold the writer back now. */
  blocking(): ReadonlySet<Consumer> {
    // A provider stops a ring beyond the slowest consumer; the duplicator waits for one sequence.
    if (this.claim === undefined ? this.#waiters.size === 0 : !this.claim.taken) return NONE;
    const next = this.claim === undefined ? this.#requested : this.#file.published;
    const { slotCount } = this.#file.geometry;
    const { registry } = this.#consumers;
    if (registry.slowest() + slotCount > next) return NONE;
    const blocking = new Set<Consumer>();
    for (const consumer of registry.all()) {
      const { delivery, acknowledged } = consumer;
      if (delivery === 'lossless' && acknowledged + slotCount <= next) blocking.add(consumer);
    }
    return blocking;
  }

  /** From the next `grant` on, waits end without credit. */
  close(): void {
    this.#closed = true;
    this.stall.stop();
  }
}

/** Generations only grow along the ring: the first sequence in it of the newest buffer's. */
function firstOfGeneration(file: FlowFile): number {
  const { published, geometry } = file;
  let newest = published - 1;
  const oldest = Math.max(0, published - geometry.slotCount);
  while (newest >= oldest && !file.holds(newest)) newest -= 1;
  if (newest < oldest) return published;
  const generation = file.slotFlags(newest) >>> GENERATION_SHIFT;
  // Below `low` are other generations, from `high` on this one; lost sequences count as the next.
  let [low, high] = [oldest, newest];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    let probe = middle;
    while (probe < high && !file.holds(probe)) probe += 1;
    if (probe === high || file.slotFlags(probe) >>> GENERATION_SHIFT === generation) high = middle;
    else low = probe + 1;
  }
  return high;
}
