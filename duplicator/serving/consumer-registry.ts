/**
 * Who reads the flow and how far they are: pure bookkeeping, no socket. It decides how far the
 * writer may go (credit) and which acknowledgements are impossible.
 */

export type Delivery = 'lossless' | 'lossy';

export interface Consumer {
  readonly id: number;
  delivery: Delivery;
  /** All sequences below this one are not needed any more by this consumer. */
  acknowledged: number;
  /** It has drained what it saw and waits to be signalled; cleared by the signal. */
  waiting: boolean;
  /** It asked for quiet: not signalled even when it waits. */
  paused: boolean;
}

/**
 * `regressed`: below an earlier one; `ahead`: beyond what was published. Both are a client's error
 * and change nothing.
 */
export type AckOutcome = 'accepted' | 'regressed' | 'ahead' | 'unknown';

class RegisteredConsumer implements Consumer {
  readonly id: number;
  waiting = true;
  paused = false;
  #acknowledged: number;
  #delivery: Delivery;
  /** Somebody who acknowledged so much is not there any more. */
  readonly #changed: (acknowledged: number) => void;

  constructor(id: number, delivery: Delivery, start: number, changed: (acknowledged: number) => void) {
    this.id = id;
    this.#acknowledged = start;
    this.#delivery = delivery;
    this.#changed = changed;
  }

  get delivery(): Delivery {
    return this.#delivery;
  }

  set delivery(delivery: Delivery) {
    this.#delivery = delivery;
    this.#changed(Number.NEGATIVE_INFINITY);
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  set acknowledged(sequence: number) {
    const before = this.#acknowledged;
    this.#acknowledged = sequence;
    this.#changed(before);
  }
}

export class ConsumerRegistry {
  readonly #consumers = new Map<number, RegisteredConsumer>();
  /**
   * What `slowest` found; undefined when it may have changed. With many consumers most
   * acknowledgements are not of the slowest.
   */
  #slowest: number | undefined;
  readonly #changed = (acknowledged: number): void => {
    if (this.#slowest !== undefined && acknowledged <= this.#slowest) this.#slowest = undefined;
  };

  get size(): number {
    return this.#consumers.size;
  }

  add(id: number, delivery: Delivery, start: number): Consumer {
    const consumer = new RegisteredConsumer(id, delivery, start, this.#changed);
    this.#consumers.set(id, consumer);
    this.#slowest = undefined;
    return consumer;
  }

  /** A consumer that has gone stops counting at once. */
  remove(id: number): boolean {
    this.#slowest = undefined;
    return this.#consumers.delete(id);
  }

  get(id: number): Consumer | undefined {
    return this.#consumers.get(id);
  }

  all(): IterableIterator<Consumer> {
    return this.#consumers.values();
  }

  acknowledge(id: number, sequence: number, published: number, waiting: boolean): AckOutcome {
    const consumer = this.#consumers.get(id);
    if (consumer === undefined) return 'unknown';
    if (sequence > published) return 'ahead';
    if (sequence < consumer.acknowledged) return 'regressed';
    consumer.acknowledged = sequence;
    consumer.waiting = waiting;
    return 'accepted';
  }

  /**
   * The slowest lossless acknowledgement; without a lossless consumer nothing holds the writer back
   * (Infinity).
   */
  slowest(): number {
    if (this.#slowest !== undefined) return this.#slowest;
    let slowest = Number.POSITIVE_INFINITY;
    for (const consumer of this.#consumers.values()) {
      if (consumer.delivery === 'lossless' && consumer.acknowledged < slowest)
        slowest = consumer.acknowledged;
    }
    this.#slowest = slowest;
    return slowest;
  }

  /**
   * The writer may write sequences below this one: the slowest lossless acknowledgement plus the
   * ring's size.
   */
  credit(slotCount: number): number {
    return this.slowest() + slotCount;
  }
}
