/**
 * Acknowledges to the sender of a flow what has arrived here: at once after so many sequences that
 * the sender may be waiting, else within ACKNOWLEDGE_WITHIN_MS, since an acknowledgement per buffer
 * would cost more than a small buffer. One per link, owned by UpstreamReceiver. Pure but for the
 * clock; the sending is passed in.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { FlowSink } from './flow-sink.js';

const ACKNOWLEDGE_WITHIN_MS = 20;

export class Acknowledger {
  readonly #clock: Clock;
  readonly #sink: FlowSink;
  readonly #send: (sequence: number) => void;
  #acknowledged: number;
  #cancel: (() => void) | undefined;

  /** `send` transmits that every sequence below the given one has arrived. */
  constructor(clock: Clock, sink: FlowSink, send: (sequence: number) => void) {
    this.#clock = clock;
    this.#sink = sink;
    this.#send = send;
    this.#acknowledged = sink.next;
  }

  /** Sequences below it are acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Everything below `sequence` is published. */
  published(sequence: number): void {
    const unacknowledged = sequence - this.#acknowledged;
    if (unacknowledged <= 0) return;
    if (unacknowledged >= this.#sink.acknowledgeEvery) this.acknowledge(sequence);
    else
      this.#cancel ??= this.#clock.after(ACKNOWLEDGE_WITHIN_MS, () => {
        this.#cancel = undefined;
        this.acknowledge(this.#sink.next - this.#sink.unseen);
      });
  }

  /** Sends the acknowledgement at once, unless it is not new. */
  acknowledge(sequence: number): void {
    if (sequence <= this.#acknowledged) return;
    this.#acknowledged = sequence;
    this.#send(sequence);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
