/**
 * Keeps the consumer table of the flow file: one row for each consumer that the duplicator serves,
 * of this host and of others, as far as the table has room. Called by ConsumerRegistry for every
 * change of a consumer, and by the parts that see what a consumer holds back. Writes the consumer
 * table; opens nothing.
 */
import { wallClockNs, type Clock } from '../../protocol/base/clock.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { CONSUMER_CAPACITY } from '../../protocol/flow/flow-file/layout.js';
import { MISSED_MODULUS } from '../../protocol/flow/signal-link/messages.js';
import type { Consumer, ConsumerObserver } from './consumer-registry.js';

const NS_PER_US = 1000n;
const US_PER_MS = 1000;

/** What the table has of a consumer that no row shows. */
interface Row {
  readonly row: number;
  missed: number;
  holds: number;
  heldUs: number;
  /** Clock's milliseconds since when it holds the writer back; undefined: it does not. */
  heldSinceMs: number | undefined;
  acknowledged: number;
}

export class ConsumerRows implements ConsumerObserver {
  readonly #file: FlowFile;
  readonly #clock: Clock;
  readonly #free: number[] = [];
  readonly #rows = new Map<Consumer, Row>();
  /** Consumers that hold the writer back. */
  readonly #holding = new Set<Consumer>();

  /** Clears the table: a file that was taken over has the rows of the dead owner. */
  constructor(file: FlowFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
    for (let row = CONSUMER_CAPACITY - 1; row >= 0; row -= 1) {
      file.consumers.clear(row);
      this.#free.push(row);
    }
  }

  /** A consumer was admitted. `client`: of its HELLO; 0 for the duplicator of another host. */
  enter(consumer: Consumer, client: number, pid: number): void {
    const row = this.#free.pop();
    if (row === undefined) return;
    const { acknowledged, delivery, paused, remote } = consumer;
    const counts = { missed: 0, holds: 0, heldUs: 0 };
    this.#rows.set(consumer, { row, acknowledged, heldSinceMs: undefined, ...counts });
    this.#file.consumers.enter(row, {
      client,
      pid,
      delivery,
      paused,
      remote,
      acknowledged,
      ...counts,
      holdingSinceUs: 0,
    });
  }

  /** The consumer's acknowledgement, delivery or pause has changed. */
  changed(consumer: Consumer): void {
    const row = this.#rows.get(consumer);
    if (row === undefined) return;
    const { consumers } = this.#file;
    if (consumer.acknowledged === row.acknowledged) {
      consumers.setState(row.row, consumer);
      if (consumer.delivery === 'lossy') this.#released(consumer, row);
      return;
    }
    row.acknowledged = consumer.acknowledged;
    consumers.setAcknowledged(row.row, consumer.acknowledged);
    // The writer stands at the end of its credit: any progress lets it write.
    this.#released(consumer, row);
  }

  /** The consumer has left. */
  removed(consumer: Consumer): void {
    const row = this.#rows.get(consumer);
    if (row === undefined) return;
    this.#rows.delete(consumer);
    this.#holding.delete(consumer);
    this.#file.consumers.clear(row.row);
    this.#free.push(row.row);
  }

  /** `low`: number of missed buffers that the consumer reports, modulo MISSED_MODULUS. */
  reportedMissed(consumer: Consumer, low: number): void {
    const row = this.#rows.get(consumer);
    if (row === undefined) return;
    const more = (low - (row.missed % MISSED_MODULUS) + MISSED_MODULUS) % MISSED_MODULUS;
    if (more === 0) return;
    row.missed += more;
    this.#file.consumers.setMissed(row.row, row.missed);
  }

  /** The writer waits for these consumers. */
  blocked(consumers: Iterable<Consumer>): void {
    for (const consumer of consumers) {
      const row = this.#rows.get(consumer);
      if (row === undefined || row.heldSinceMs !== undefined) continue;
      row.heldSinceMs = this.#clock.nowMs();
      row.holds += 1;
      this.#holding.add(consumer);
      this.#file.consumers.setHolding(row.row, row.holds, row.heldUs, Number(wallClockNs() / NS_PER_US));
    }
  }

  /** There is no writer any more that a consumer could hold back. */
  writerLeft(): void {
    for (const consumer of this.#holding) {
      const row = this.#rows.get(consumer);
      if (row !== undefined) this.#released(consumer, row);
    }
  }

  #released(consumer: Consumer, row: Row): void {
    if (row.heldSinceMs === undefined) return;
    row.heldUs += Math.round((this.#clock.nowMs() - row.heldSinceMs) * US_PER_MS);
    row.heldSinceMs = undefined;
    this.#holding.delete(consumer);
    this.#file.consumers.setHolding(row.row, row.holds, row.heldUs, 0);
  }
}
