/**
 * How far the receivers at other sites are that need every buffer of a flow, by their reports. Used
 * by PublishedFlow for flows that are published `lossless`. Pure but for the clock.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { REPORT_SILENCE_MS, type ReceiverReport } from '../../protocol/nats/receiver-report.js';

/**
 * Receivers of one flow at most, of one site and of all: further reports are ignored. No site takes
 * the places of another.
 */
const RECEIVERS_OF_SITE_MAX = 256;
const RECEIVERS_MAX = 4_096;

interface Receiver {
  readonly site: string;
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

  /** `site`: the one that reports; the names of its receivers are its own. */
  report(site: string, { id, epoch, next, delivery }: ReceiverReport): void {
    const key = `${site} ${id}`;
    if (delivery === 'lossy') this.#receivers.delete(key);
    else if (this.#receivers.has(key) || this.#hasRoom(site))
      this.#receivers.set(key, { site, epoch, next, reportedMs: this.#clock.nowMs() });
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

  #hasRoom(site: string): boolean {
    if (this.#receivers.size >= RECEIVERS_MAX) return false;
    const own = [...this.#receivers.values()].filter((receiver) => receiver.site === site);
    return own.length < RECEIVERS_OF_SITE_MAX;
  }
}
