/**
 * The consumer table in a flow file's header: how far each consumer has read, what it has missed,
 * and how often and for how long it has held the writer back. Written by the duplicator that owns
 * the file, from what it knows by the signal link; read by statistics, also while the duplicator is
 * stopped or busy. Pure memory access, no system calls.
 *
 * A row is entered with its state word last and left by clearing that word first, so a reader never
 * takes the figures of one consumer for those of another for longer than one load.
 */
import { CONSUMER_CAPACITY, CONSUMER_ROW, CONSUMER_STATE, HEADER } from './layout.js';
import type { Words } from './words.js';

export interface ConsumerRow {
  /** Number of the consumer in its HELLO; 0 for the duplicator of another host. */
  readonly client: number;
  /** Process id of the consumer on this host; 0 where it is unknown. */
  readonly pid: number;
  readonly delivery: 'lossless' | 'lossy';
  readonly paused: boolean;
  /** It is the duplicator of another host. */
  readonly remote: boolean;
  /** It needs no sequence below this one any more. */
  readonly acknowledged: number;
  /** Buffers that it reported as missed: the writer had overwritten them. */
  readonly missed: number;
  /** Times that it has held the writer back, the present one included. */
  readonly holds: number;
  /** Microseconds for which it has held the writer back, without the present time. */
  readonly heldUs: number;
  /** Wall clock, microseconds since 1970, since when it holds the writer back; 0: it does not. */
  readonly holdingSinceUs: number;
}

export class ConsumerTable {
  readonly #words: Words;

  constructor(words: Words) {
    this.#words = words;
  }

  /** The consumer of a row, 0 to CONSUMER_CAPACITY - 1; undefined when the row is free. */
  row(row: number): ConsumerRow | undefined {
    const words = this.#words;
    const at = offsetOf(row);
    const state = words.load32(at + CONSUMER_ROW.state);
    const client = words.load32(at + CONSUMER_ROW.client);
    const read = {
      client,
      pid: words.load32(at + CONSUMER_ROW.pid),
      delivery: (state & CONSUMER_STATE.lossy) === 0 ? ('lossless' as const) : ('lossy' as const),
      paused: (state & CONSUMER_STATE.paused) !== 0,
      remote: (state & CONSUMER_STATE.remote) !== 0,
      acknowledged: words.load64(at + CONSUMER_ROW.acknowledged),
      missed: words.load64(at + CONSUMER_ROW.missed),
      holds: words.load64(at + CONSUMER_ROW.holds),
      heldUs: words.load64(at + CONSUMER_ROW.heldUs),
      holdingSinceUs: words.load64(at + CONSUMER_ROW.holdingSinceUs),
    };
    const isTaken = (state & CONSUMER_STATE.taken) !== 0;
    return isTaken && words.load32(at + CONSUMER_ROW.state) !== 0 ? read : undefined;
  }

  /** All consumers that have a row. */
  all(): ConsumerRow[] {
    const rows: ConsumerRow[] = [];
    for (let row = 0; row < CONSUMER_CAPACITY; row += 1) {
      const read = this.row(row);
      if (read !== undefined) rows.push(read);
    }
    return rows;
  }

  /** Owner only: takes a free row. */
  enter(row: number, consumer: ConsumerRow): void {
    const at = offsetOf(row);
    this.#words.store32(at + CONSUMER_ROW.client, consumer.client);
    this.#words.store32(at + CONSUMER_ROW.pid, consumer.pid);
    this.setAcknowledged(row, consumer.acknowledged);
    this.setMissed(row, consumer.missed);
    this.setHolding(row, consumer.holds, consumer.heldUs, consumer.holdingSinceUs);
    this.setState(row, consumer);
  }

  /** Owner only: the delivery and the pause of a taken row. */
  setState(
    row: number,
    { delivery, paused, remote }: Pick<ConsumerRow, 'delivery' | 'paused' | 'remote'>,
  ): void {
    const state =
      CONSUMER_STATE.taken |
      (delivery === 'lossy' ? CONSUMER_STATE.lossy : 0) |
      (paused ? CONSUMER_STATE.paused : 0) |
      (remote ? CONSUMER_STATE.remote : 0);
    this.#words.store32(offsetOf(row) + CONSUMER_ROW.state, state);
  }

  /** Owner only. */
  setAcknowledged(row: number, sequence: number): void {
    this.#words.store64(offsetOf(row) + CONSUMER_ROW.acknowledged, sequence);
  }

  /** Owner only. */
  setMissed(row: number, buffers: number): void {
    this.#words.store64(offsetOf(row) + CONSUMER_ROW.missed, buffers);
  }

  /** Owner only. */
  setHolding(row: number, holds: number, heldUs: number, sinceUs: number): void {
    const at = offsetOf(row);
    this.#words.store64(at + CONSUMER_ROW.holds, holds);
    this.#words.store64(at + CONSUMER_ROW.heldUs, heldUs);
    this.#words.store64(at + CONSUMER_ROW.holdingSinceUs, sinceUs);
  }

  /** Owner only: the consumer has left. */
  clear(row: number): void {
    this.#words.store32(offsetOf(row) + CONSUMER_ROW.state, 0);
  }
}

function offsetOf(row: number): number {
  return HEADER.consumers + row * CONSUMER_ROW.bytes;
}
