/**
 * The duplicators of other hosts that receive a flow, as consumers among the others: what they hold
 * of the ring, and for how long they keep their place when their link is cut. No socket.
 *
 * | place  | event                                   | next                                    |
 * | ------ | --------------------------------------- | --------------------------------------- |
 * | taken  | leave(), it said that it goes, or lossy | gone                                    |
 * | taken  | leave(), lossless and cut               | kept: what it has not yet still holds the writer |
 * | kept   | the same duplicator, or its successor, resumes | gone, the newcomer's takes over  |
 * | kept   | keepMs are over                         | gone                                    |
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { DuplicatorFigures } from '../../protocol/rpc/contract/figures.js';
import type { Consumer, ConsumerRegistry, Delivery } from './consumer-registry.js';

/** Receivers that stalled and are lossy for good, by their id. */
const DEMOTED_MAX = 64;

/** What a connection wants to hear of its flow. */
export interface RemoteReceiver {
  /** There is more to send. */
  published(): void;
  stateChanged(): void;
  /** It held the writer back for the stall timeout, and is lossy now. */
  demoted(): void;
  close(): void;
  readonly peer: string;
  readonly sentBytes: number;
}

export interface Wanted {
  /** Of the duplicator process at the other end. */
  readonly id: string;
  readonly delivery: Delivery;
  /** It has all below this sequence of the present epoch; undefined for whatever the ring has. */
  readonly resume: number | undefined;
}

/** What the flow's host has to say and to hear. */
export interface RemoteConsumersDependencies {
  readonly registry: ConsumerRegistry;
  nextId(): number;
  published(): number;
  /** The oldest sequence from `wanted` on that a consumer of this delivery can still get. */
  oldest(delivery: Delivery, wanted: number): number;
  /**
   * A lossless receiver has come to where it was, whose place was not kept here. Whether it is one
   * of those that were awaited.
   */
  returned(): boolean;
  /** One of those has gone, and its place is not kept. */
  left(): void;
  /** Somebody came, went or changed its delivery. */
  changed(): void;
  /** A lossless receiver has acknowledged. */
  acknowledged(): void;
  isHolding(consumer: Consumer): boolean;
}

interface Kept {
  readonly consumer: Consumer;
  readonly returned: boolean;
  readonly cancel: () => void;
}

/** A receiver's place in the flow. */
export class RemotePlace {
  readonly #owner: RemoteConsumers;
  readonly consumer: Consumer;
  readonly wanted: Wanted;
  readonly receiver: RemoteReceiver;
  /** It is one of those that were awaited. */
  readonly returned: boolean;

  constructor(
    owner: RemoteConsumers,
    consumer: Consumer,
    wanted: Wanted,
    receiver: RemoteReceiver,
    returned: boolean,
  ) {
    this.#owner = owner;
    this.consumer = consumer;
    this.wanted = wanted;
    this.receiver = receiver;
    this.returned = returned;
  }

  /** All below `sequence` are in its ring. False for what it cannot have. */
  acknowledge(sequence: number): boolean {
    return this.#owner.acknowledge(this, sequence);
  }

  /**
   * From `next` on; returns from where it really holds, which is later where the ring has lost
   * something already.
   */
  deliver(delivery: Delivery, next: number): number {
    return this.#owner.deliver(this, delivery, next);
  }

  /** Its connection has ended. `said`: it said that it would go. Idempotent. */
  leave(said: boolean): void {
    this.#owner.leave(this, said);
  }
}

export class RemoteConsumers {
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #flow: RemoteConsumersDependencies;
  readonly #places = new Map<number, RemotePlace>();
  readonly #kept = new Map<string, Kept>();
  readonly #demoted = new Set<string>();

  /**
   * `keepMs`: how long a lossless receiver that was cut off holds the writer. A killed duplicator
   * is back within a second, a connection that was reset at once; who is away for longer resumes
   * from what the ring still has.
   */
  constructor(clock: Clock, keepMs: number, surroundings: RemoteConsumersDependencies) {
    this.#clock = clock;
    this.#keepMs = keepMs;
    this.#flow = surroundings;
  }

  /** Connected now. */
  get size(): number {
    return this.#places.size;
  }

  /** Lossless ones, those that were cut off a moment ago among them. */
  get lossless(): number {
    let lossless = this.#kept.size;
    for (const { consumer } of this.#places.values()) if (consumer.delivery === 'lossless') lossless += 1;
    return lossless;
  }

  get standings(): NonNullable<DuplicatorFigures['remotes']> {
    const published = this.#flow.published();
    return [...this.#places.values()].map(({ consumer, receiver }) => ({
      peer: receiver.peer.slice(0, 300),
      delivery: consumer.delivery,
      acknowledged: consumer.acknowledged,
      lag: Math.max(0, published - consumer.acknowledged),
      holding: this.#flow.isHolding(consumer),
      sentBytes: receiver.sentBytes,
    }));
  }

  /**
   * A receiver takes its place; `consumer.acknowledged` is the first sequence it gets,
   * `consumer.delivery` what it is granted.
   */
  join(wanted: Wanted, receiver: RemoteReceiver): RemotePlace {
    for (const place of this.#places.values()) {
      // Its connection from before is dead, and was not noticed yet.
      if (place.wanted.id !== wanted.id) continue;
      // Its place is kept before the connection says farewell to it, which would give away what it
      // holds.
      this.leave(place, false);
      place.receiver.close();
    }
    const { resume = 0 } = wanted;
    const delivery = this.#demoted.has(wanted.id) ? 'lossy' : wanted.delivery;
    const first = Math.max(
      Math.min(resume, this.#flow.published()),
      this.#flow.oldest(delivery, Math.min(resume, this.#flow.published())),
    );
    const consumer = this.#flow.registry.add(this.#flow.nextId(), delivery, first);
    const kept = this.#giveBack(wanted, first);
    // Whoever takes a kept place was counted when that was taken first.
    const comes = kept === undefined && wanted.resume !== undefined && delivery === 'lossless';
    const returned = kept?.returned ?? (comes && this.#flow.returned());
    const place = new RemotePlace(this, consumer, wanted, receiver, returned);
    this.#places.set(consumer.id, place);
    this.#flow.changed();
    return place;
  }

  acknowledge({ consumer }: RemotePlace, sequence: number): boolean {
    if (sequence > this.#flow.published()) return false;
    if (sequence <= consumer.acknowledged) return true; // from before it became lossless
    consumer.acknowledged = sequence;
    if (consumer.delivery === 'lossless') this.#flow.acknowledged();
    return true;
  }

  deliver(place: RemotePlace, delivery: Delivery, next: number): number {
    const { consumer, wanted } = place;
    if (consumer.delivery === delivery || this.#demoted.has(wanted.id)) return next;
    let from = next;
    if (delivery === 'lossless') {
      from = Math.max(next, this.#flow.oldest(delivery, next));
      consumer.acknowledged = Math.max(consumer.acknowledged, from);
    }
    consumer.delivery = delivery;
    this.#flow.changed();
    return from;
  }

  leave(place: RemotePlace, said: boolean): void {
    const { consumer, wanted } = place;
    if (!this.#places.delete(consumer.id)) return;
    const { returned } = place;
    if (said || consumer.delivery === 'lossy') {
      this.#flow.registry.remove(consumer.id);
      if (returned) this.#flow.left();
    } else {
      this.#kept.get(wanted.id)?.cancel();
      const cancel = this.#clock.after(this.#keepMs, () => this.#forget(wanted.id), true);
      this.#kept.set(wanted.id, { consumer, returned, cancel });
    }
    this.#flow.changed();
  }

  published(): void {
    for (const { receiver } of this.#places.values()) receiver.published();
  }

  stateChanged(): void {
    for (const { receiver } of this.#places.values()) receiver.stateChanged();
  }

  /** Its delivery is lossy already. */
  demoted(consumer: Consumer): void {
    const place = this.#places.get(consumer.id);
    if (place === undefined) {
      for (const [id, kept] of this.#kept) if (kept.consumer === consumer) this.#forget(id);
      return;
    }
    if (this.#demoted.size < DEMOTED_MAX) this.#demoted.add(place.wanted.id);
    place.receiver.demoted();
  }

  close(): void {
    for (const id of this.#kept.keys()) this.#forget(id);
    for (const { receiver } of this.#places.values()) receiver.close();
  }

  /**
   * Whoever resumes takes the place that was kept for it: by its id, or as the successor of a
   * killed one, by where it goes on.
   */
  #giveBack({ id, delivery, resume }: Wanted, first: number): Kept | undefined {
    if (this.#kept.has(id)) return this.#forget(id);
    if (resume === undefined || delivery === 'lossy') return undefined;
    let successorOf: string | undefined;
    let nearest = -1;
    for (const [kept, { consumer }] of this.#kept) {
      if (consumer.acknowledged > first || consumer.acknowledged <= nearest) continue;
      nearest = consumer.acknowledged;
      successorOf = kept;
    }
    return successorOf === undefined ? undefined : this.#forget(successorOf);
  }

  #forget(id: string): Kept | undefined {
    const kept = this.#kept.get(id);
    if (kept === undefined) return undefined;
    kept.cancel();
    this.#kept.delete(id);
    this.#flow.registry.remove(kept.consumer.id);
    this.#flow.changed();
    return kept;
  }
}
