/**
 * How far the receivers at other sites are that need every buffer of a flow, by their reports. Used
 * by PublishedFlow for flows that are published `lossless`. Pure but for the clock.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { REPORT_SILENCE_MS, type ReceiverReport } from '../../protocol/nats/receiver-report.js';

/** Receivers of one flow at most: further reports are ignored. */
const RECEIVERS_MAX = 4_096;

interface Receiver {
  readonly epoch: number;
  readonly next: number;
  readonly reportedMs: number;
}

export class FarReceivers {
  readonly #clock: Clock;
  readonly #receivers = new Map<string, Receiver>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  report({ id, epoch, next, delivery }: ReceiverReport): void {
    if (delivery === 'lossy') this.#receivers.delete(id);
    else if (this.#receivers.has(id) || this.#receivers.size < RECEIVERS_MAX)
      this.#receivers.set(id, { epoch, next, reportedMs: this.#clock.nowMs() });
  }

  /**
   * The sequence below which all that need it have everything of `epoch`; undefined without any.
   * Forgets receivers that have not reported for REPORT_SILENCE_MS.
   */
  slowest(epoch: number): number | undefined {
    const nowMs = this.#clock.nowMs();
    let slowest: number | undefined;
    for (const [id, receiver] of this.#receivers) {
      if (nowMs - receiver.reportedMs > REPORT_SILENCE_MS) this.#receivers.delete(id);
      else if (receiver.epoch === epoch) slowest = Math.min(slowest ?? Infinity, receiver.next);
    }
    return slowest;
  }
}
