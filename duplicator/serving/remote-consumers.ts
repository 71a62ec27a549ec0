/**
 * Duplicators of other hosts that receive a flow, as consumers beside those of this host. A
 * lossless one whose connection is cut keeps its position for a while, so that the writer does not
 * overwrite what it has not received. Owned by FlowHost; each connection of remote/serving joins
 * here. Pure but for the counter of connected receivers in the flow file: no socket.
 *
 * | state     | event                                          | next                              |
 * | --------- | ---------------------------------------------- | --------------------------------- |
 * | connected | leave(), announced or lossy                    | removed                           |
 * | connected | leave(), lossless and not announced            | retained: still holds the writer  |
 * | retained  | the same duplicator or its successor resumes   | removed, the new one holds instead |
 * | retained  | `retainMs` have passed                         | removed                           |
 */
import { EventEmitter } from 'eventemitter3';
import type { Clock } from '../../protocol/base/clock.js';
import type { DuplicatorStatistics } from '../../protocol/rpc/contract/statistics.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import type { Consumer, Delivery } from './consumer-registry.js';
import type { FlowConsumers } from './flow-consumers.js';
import type { WriterCredit } from './writer-credit.js';

/** Receivers that stalled and stay lossy, by their ids; more are not remembered. */
const DEMOTED_MAX = 64;

/** The connection of a receiver, as this file calls it. */
export interface ReceiverConnection {
  /** There is more to send. */
  published(): void;
  /** The source's state in the flow file changed. */
  stateChanged(): void;
  /** It held the writer back for the stall timeout, and is lossy now. */
  demoted(): void;
  close(): void;
  readonly peer: string;
  readonly sentBytes: number;
}

/** What a receiver asks for. */
export interface RemoteRequest {
  /** Id of the duplicator process at the other end. */
  readonly id: string;
  readonly delivery: Delivery;
  /**
   * The receiver has all sequences of the present epoch below this one; undefined when it has none
   * and begins at the oldest.
   */
  readonly resume: number | undefined;
}

interface Retained {
  readonly consumer: Consumer;
  readonly reattached: boolean;
  readonly cancel: () => void;
}

/** A connected receiver's position in the flow. */
export class RemoteSubscription {
  readonly #owner: RemoteConsumers;
  readonly consumer: Consumer;
  readonly request: RemoteRequest;
  readonly receiver: ReceiverConnection;
  /** It is one of the receivers that were expected after a take-over. */
  readonly reattached: boolean;

  constructor(
    owner: RemoteConsumers,
    consumer: Consumer,
    request: RemoteRequest,
    receiver: ReceiverConnection,
    reattached: boolean,
  ) {
    this.#owner = owner;
    this.consumer = consumer;
    this.request = request;
    this.receiver = receiver;
    this.reattached = reattached;
  }

  /** The receiver has all below `sequence`. Returns false for one that is not published. */
  acknowledge(sequence: number): boolean {
    return this.#owner.acknowledge(this, sequence);
  }

  /**
   * Changes the delivery from sequence `next` on. Returns the sequence from which it holds: later
   * than `next` where the ring has lost buffers already.
   */
  deliver(delivery: Delivery, next: number): number {
    return this.#owner.deliver(this, delivery, next);
  }

  /** The connection ended; `announced`: the receiver sent BYE. Idempotent. */
  leave(announced: boolean): void {
    this.#owner.leave(this, announced);
  }
}

interface RemoteConsumersEvents {
  /** A receiver joined, left or changed its delivery. */
  changed: [];
}

export class RemoteConsumers extends EventEmitter<RemoteConsumersEvents> {
  readonly #file: FlowFile;
  readonly #consumers: FlowConsumers;
  readonly #credit: WriterCredit;
  readonly #clock: Clock;
  readonly #retainMs: number;
  readonly #subscriptions = new Map<number, RemoteSubscription>();
  /** By the id of the receiver. */
  readonly #retained = new Map<string, Retained>();
  /** Ids of receivers that were made lossy because they stalled. */
  readonly #demoted = new Set<string>();

  /**
   * `retainMs`: how long a lossless receiver whose connection was cut holds the writer. A killed
   * duplicator is restarted within a second, a reset connection is made again at once; a receiver
   * that takes longer resumes at what the ring still has.
   */
  constructor(
    file: FlowFile,
    consumers: FlowConsumers,
    credit: WriterCredit,
    clock: Clock,
    retainMs: number,
  ) {
    super();
    this.#file = file;
    this.#consumers = consumers;
    this.#credit = credit;
    this.#clock = clock;
    this.#retainMs = retainMs;
    file.setCounter(COUNTERS.remotes.id, 0); // a file that was taken over still has the old number
  }

  /** Connected receivers. */
  get size(): number {
    return this.#subscriptions.size;
  }

  get progress(): NonNullable<DuplicatorStatistics['remotes']> {
    const { published } = this.#file;
    const blocking = this.#credit.blocking();
    return [...this.#subscriptions.values()].map(({ consumer, receiver }) => ({
      peer: receiver.peer.slice(0, 300),
      delivery: consumer.delivery,
      acknowledged: consumer.acknowledged,
      lag: Math.max(0, published - consumer.acknowledged),
      holding: blocking.has(consumer),
      sentBytes: receiver.sentBytes,
    }));
  }

  /**
   * Adds a receiver. In the result `consumer.acknowledged` is the first sequence that it gets and
   * `consumer.delivery` the delivery that it is granted.
   */
  join(request: RemoteRequest, receiver: ReceiverConnection): RemoteSubscription {
    this.#replaceConnectionOf(request.id);
    const { resume = 0 } = request;
    const delivery = this.#demoted.has(request.id) ? 'lossy' : request.delivery;
    const start = Math.min(resume, this.#file.published);
    const first = Math.max(start, this.#credit.oldest(delivery, start));
    const { reattachments } = this.#consumers;
    const consumer = this.#consumers.admitRemote(delivery, first);
    const retained = this.#takeRetained(request, first);
    // A retained position was counted as reattached when it was first taken.
    const resumes = retained === undefined && request.resume !== undefined && delivery === 'lossless';
    const reattached = retained?.reattached ?? (resumes && reattachments.enterRemote());
    const place = new RemoteSubscription(this, consumer, request, receiver, reattached);
    this.#subscriptions.set(consumer.id, place);
    this.#changed();
    return place;
  }

  acknowledge({ consumer }: RemoteSubscription, sequence: number): boolean {
    if (sequence > this.#file.published) return false;
    if (sequence <= consumer.acknowledged) return true; // sent before it became lossless
    consumer.acknowledged = sequence;
    if (consumer.delivery === 'lossless') this.#credit.grant();
    return true;
  }

  deliver({ consumer, request }: RemoteSubscription, delivery: Delivery, next: number): number {
    if (consumer.delivery === delivery || this.#demoted.has(request.id)) return next;
    let from = next;
    if (delivery === 'lossless') {
      from = Math.max(next, this.#credit.oldest(delivery, next));
      consumer.acknowledged = Math.max(consumer.acknowledged, from);
    }
    consumer.delivery = delivery;
    this.#changed();
    return from;
  }

  leave({ consumer, request, reattached }: RemoteSubscription, announced: boolean): void {
    if (!this.#subscriptions.delete(consumer.id)) return;
    if (announced || consumer.delivery === 'lossy') {
      this.#consumers.registry.remove(consumer.id);
      if (reattached) this.#consumers.reattachments.leaveRemote();
    } else {
      this.#retained.get(request.id)?.cancel();
      const cancel = this.#clock.after(this.#retainMs, () => this.#release(request.id), true);
      this.#retained.set(request.id, { consumer, reattached, cancel });
    }
    this.#changed();
  }

  /** There are more buffers in the flow file. */
  published(): void {
    for (const { receiver } of this.#subscriptions.values()) receiver.published();
  }

  stateChanged(): void {
    for (const { receiver } of this.#subscriptions.values()) receiver.stateChanged();
  }

  /** The consumer stalled; its delivery is lossy already. */
  demoted(consumer: Consumer): void {
    const place = this.#subscriptions.get(consumer.id);
    if (place === undefined) {
      for (const [id, retained] of this.#retained) if (retained.consumer === consumer) this.#release(id);
      return;
    }
    if (this.#demoted.size < DEMOTED_MAX) this.#demoted.add(place.request.id);
    place.receiver.demoted();
  }

  /** Closes the connections and releases the retained positions. */
  close(): void {
    for (const id of this.#retained.keys()) this.#release(id);
    for (const { receiver } of this.#subscriptions.values()) receiver.close();
  }

  /** A receiver that connects again: its earlier connection is dead, which was not noticed yet. */
  #replaceConnectionOf(id: string): void {
    for (const place of this.#subscriptions.values()) {
      if (place.request.id !== id) continue;
      // First, so that the position is retained: closing the connection announces its end.
      this.leave(place, false);
      place.receiver.close();
    }
  }

  /**
   * Releases the retained position that a resuming receiver replaces: the one of its id, or, when
   * it is the successor of a killed duplicator, the nearest at or below `first`.
   */
  #takeRetained({ id, delivery, resume }: RemoteRequest, first: number): Retained | undefined {
    if (this.#retained.has(id)) return this.#release(id);
    if (resume === undefined || delivery === 'lossy') return undefined;
    let predecessor: string | undefined;
    let nearest = -1;
    for (const [retainedId, { consumer }] of this.#retained) {
      if (consumer.acknowledged > first || consumer.acknowledged <= nearest) continue;
      nearest = consumer.acknowledged;
      predecessor = retainedId;
    }
    return predecessor === undefined ? undefined : this.#release(predecessor);
  }

  #release(id: string): Retained | undefined {
    const retained = this.#retained.get(id);
    if (retained === undefined) return undefined;
    retained.cancel();
    this.#retained.delete(id);
    this.#consumers.registry.remove(retained.consumer.id);
    this.#changed();
    return retained;
  }

  #changed(): void {
    this.#file.setCounter(COUNTERS.remotes.id, this.#subscriptions.size);
    this.#consumers.count();
    this.#credit.grant();
    this.emit('changed');
  }
}
