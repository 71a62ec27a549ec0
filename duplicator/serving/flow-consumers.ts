/**
 * The consumers of one flow, on this host and on others: the table of readers
 * (ConsumerRegistry), the consumers of a killed predecessor that are still expected
 * (ReattachmentTracker), the counts of both in the flow file, where the next duplicator finds
 * them should this one be killed, and what the file shows of each consumer (ConsumerRows). Used by
 * FlowHost and its parts. Writes counters of the flow file; opens nothing.
 */
import type { ReattachmentTracker } from '../recovery/reattachment-tracker.js';
import type { ConsumerRows } from './consumer-rows.js';
import { ConsumerRegistry, type Consumer, type Delivery } from './consumer-registry.js';
import type { LinkClient } from './link-client.js';

export class FlowConsumers {
  readonly registry: ConsumerRegistry;
  /** What the flow file shows of each consumer. */
  readonly rows: ConsumerRows;
  readonly reattachments: ReattachmentTracker;
  readonly #onCounted: (consumers: number, lossless: number) => void;
  #changes = 0;

  /** `onCounted` receives the numbers of all and of the lossless consumers after each change. */
  constructor(
    rows: ConsumerRows,
    reattachments: ReattachmentTracker,
    onCounted: (consumers: number, lossless: number) => void,
  ) {
    this.rows = rows;
    this.registry = new ConsumerRegistry(rows);
    this.reattachments = reattachments;
    this.#onCounted = onCounted;
  }

  /** Grows with each consumer that joins, leaves or changes its delivery. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * The first sequence that a lossless consumer needs, expected ones included; Infinity without
   * one.
   */
  get neededFrom(): number {
    return Math.min(this.registry.slowest(), this.reattachments.floor);
  }

  /**
   * Makes a client of this host a consumer. `first`: the first sequence that it gets; `resumes`: it
   * read this epoch of the flow before.
   */
  admit(client: LinkClient, delivery: Delivery, first: number, resumes: boolean): Consumer {
    const consumer = this.registry.add(client.id, delivery, first);
    client.consumer = consumer;
    this.rows.enter(consumer, client.name, client.pid);
    this.count();
    if (delivery === 'lossless') {
      client.presence = this.reattachments.enter(client.pid, resumes);
      if (client.presence.reattached) this.count();
    }
    return consumer;
  }

  /** Makes the duplicator of another host a consumer. */
  admitRemote(delivery: Delivery, first: number): Consumer {
    const consumer = this.registry.add(this.registry.nextId(), delivery, first, true);
    this.rows.enter(consumer, 0, 0);
    return consumer;
  }

  /** The client disconnected: it stops counting at once. */
  remove(client: LinkClient): void {
    if (client.presence !== undefined) this.reattachments.leave(client.presence);
    if (this.registry.remove(client.id)) this.count();
  }

  /** Makes a consumer lossy. `client`: its connection when it is on this host. */
  demote(consumer: Consumer, client: LinkClient | undefined): void {
    consumer.delivery = 'lossy';
    if (client?.presence !== undefined) {
      this.reattachments.demote(client.presence);
      client.presence = undefined;
    }
    this.count();
  }

  /** Writes the counts into the flow file: a successor waits for the lossless consumers. */
  count(): void {
    this.#changes += 1;
    const { total, remote } = this.registry.countLossless();
    this.reattachments.count(total, remote);
    this.#onCounted(this.registry.size, total);
  }
}
