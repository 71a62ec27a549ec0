/**
 * The table of a flow's consumers: how far each has read and whether it waits for a signal. The
 * slowest lossless one bounds the writer. Used by the duplicator's FlowConsumers, WriterCredit and
 * StallWatch. Pure: no socket, no file, no clock.
 *
 * A sequence numbers a flow's buffers from 0. An acknowledgement `n` means that the consumer needs
 * no buffer below sequence `n` any more.
 */

/** A lossless consumer holds the writer back; a lossy one misses what the writer overwrites. */
export type Delivery = 'lossless' | 'lossy';

export interface Consumer {
  readonly id: number;
  /** It is the duplicator of another host. */
  readonly remote: boolean;
  delivery: Delivery;
  /** The consumer needs no sequence below this one any more. */
  acknowledged: number;
  /** It has read all that it saw and waits for a signal; cleared by the signal. */
  waiting: boolean;
  /** It asked for no signals, even when it waits. */
  paused: boolean;
}

/**
 * `regressed`: below an earlier acknowledgement; `ahead`: beyond the published sequences;
 * `unknown`: no such consumer. All three are errors of the client and change nothing.
 */
export type AckOutcome = 'accepted' | 'regressed' | 'ahead' | 'unknown';

/** Learns what happens to the consumers of a registry. */
export interface ConsumerObserver {
  /** The acknowledgement, the delivery or the pause of the consumer has changed. */
  changed(consumer: Consumer): void;
  removed(consumer: Consumer): void;
}

/** In the place of an acknowledgement, which is never negative. */
const DELIVERY_CHANGED = -1;

class RegisteredConsumer implements Consumer {
  readonly id: number;
  readonly remote: boolean;
  waiting = true;
  #paused = false;
  #acknowledged: number;
  #delivery: Delivery;
  /** Receives the acknowledgement before the change, or DELIVERY_CHANGED. */
  readonly #onChange: (consumer: Consumer, before: number) => void;

  constructor(
    id: number,
    delivery: Delivery,
    start: number,
    remote: boolean,
    onChange: (consumer: Consumer, before: number) => void,
  ) {
    this.id = id;
    this.remote = remote;
    this.#acknowledged = start;
    this.#delivery = delivery;
    this.#onChange = onChange;
  }

  get delivery(): Delivery {
    return this.#delivery;
  }

  set delivery(delivery: Delivery) {
    this.#delivery = delivery;
    this.#onChange(this, DELIVERY_CHANGED);
  }

  get paused(): boolean {
    return this.#paused;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    this.#onChange(this, this.#acknowledged);
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  set acknowledged(sequence: number) {
    const before = this.#acknowledged;
    this.#acknowledged = sequence;
    this.#onChange(this, before);
  }
}

export class ConsumerRegistry {
  readonly #consumers = new Map<number, RegisteredConsumer>();
  #lastId = 0;
  /**
   * Cached result of `slowest`; undefined when it may have changed. All consumers are looked at
   * again only when none is left at the slowest acknowledgement.
   */
  #slowest: number | undefined;
  /** Lossless consumers whose acknowledgement is `#slowest`. */
  #atSlowest = 0;
  readonly #observer: ConsumerObserver | undefined;
  readonly #changed = (consumer: Consumer, before: number): void => {
    this.#checkSlowest(consumer, before);
    this.#observer?.changed(consumer);
  };

  constructor(observer?: ConsumerObserver) {
    this.#observer = observer;
  }

  get size(): number {
    return this.#consumers.size;
  }

  /** A number for the next client or receiver; never used twice. */
  nextId(): number {
    return (this.#lastId += 1);
  }

  /** `start`: the first sequence that the consumer gets. */
  add(id: number, delivery: Delivery, start: number, remote = false): Consumer {
    const consumer = new RegisteredConsumer(id, delivery, start, remote, this.#changed);
    this.#consumers.set(id, consumer);
    this.#slowest = undefined;
    return consumer;
  }

  /** The consumer stops counting at once. Returns false when there is none of that id. */
  remove(id: number): boolean {
    this.#slowest = undefined;
    const consumer = this.#consumers.get(id);
    if (consumer === undefined) return false;
    this.#consumers.delete(id);
    this.#observer?.removed(consumer);
    return true;
  }

  get(id: number): Consumer | undefined {
    return this.#consumers.get(id);
  }

  all(): IterableIterator<Consumer> {
    return this.#consumers.values();
  }

  /** Lossless consumers, and how many of them are duplicators of other hosts. */
  countLossless(): { readonly total: number; readonly remote: number } {
    let total = 0;
    let remotes = 0;
    for (const { delivery, remote } of this.#consumers.values()) {
      if (delivery !== 'lossless') continue;
      total += 1;
      if (remote) remotes += 1;
    }
    return { total, remote: remotes };
  }

  /** `published`: sequences below it are published; `waiting`: the consumer waits for a signal. */
  acknowledge(id: number, sequence: number, published: number, waiting: boolean): AckOutcome {
    const consumer = this.#consumers.get(id);
    if (consumer === undefined) return 'unknown';
    // One that resumed may be ahead of a file that was put back: see Admission.
    if (sequence > Math.max(published, consumer.acknowledged)) return 'ahead';
    if (sequence < consumer.acknowledged) return 'regressed';
    consumer.acknowledged = sequence;
    consumer.waiting = waiting;
    return 'accepted';
  }

  /** The lowest acknowledgement of a lossless consumer; Infinity without a lossless consumer. */
  slowest(): number {
    if (this.#slowest !== undefined) return this.#slowest;
    let slowest = Number.POSITIVE_INFINITY;
    let atSlowest = 0;
    for (const { delivery, acknowledged } of this.#consumers.values()) {
      if (delivery !== 'lossless' || acknowledged > slowest) continue;
      atSlowest = acknowledged < slowest ? 1 : atSlowest + 1;
      slowest = acknowledged;
    }
    this.#slowest = slowest;
    this.#atSlowest = atSlowest;
    return slowest;
  }

  /** The highest acknowledgement of a consumer; 0 without one. */
  furthest(): number {
    return Math.max(0, ...[...this.#consumers.values()].map(({ acknowledged }) => acknowledged));
  }

  /** `before`: as consumers report their changes. */
  #checkSlowest({ delivery, acknowledged }: Consumer, before: number): void {
    if (this.#slowest === undefined || acknowledged === before) return;
    if (before === DELIVERY_CHANGED) this.#slowest = undefined;
    else if (delivery !== 'lossless') return;
    else if (acknowledged < before) this.#slowest = undefined;
    else if (before === this.#slowest) {
      this.#atSlowest -= 1;
      if (this.#atSlowest === 0) this.#slowest = undefined;
    }
  }
}
