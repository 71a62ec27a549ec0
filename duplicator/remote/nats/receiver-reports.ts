/**
 * Reports to the publisher of a flow that is published `lossless` what this host has received, so
 * that it waits while a consumer here needs every buffer. Made by NatsLink; publishes on its
 * connection.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { Clock } from '../../../protocol/base/clock.js';
import { REPORT_INTERVAL_MS, encodeReport } from '../../../protocol/nats/receiver-report.js';
import type { WireHello } from '../../../protocol/flow/wire/handshake-messages.js';
import type { SiteSeals } from '../../../protocol/nats/signature.js';
import type { Delivery } from '../../serving/consumer-registry.js';

/** Reports at most so often, milliseconds. */
const SPACING_MS = 50;

/** Where reports are published. */
export interface ReportPlace {
  readonly connection: NatsConnection;
  readonly subject: string;
  readonly seals: SiteSeals;
}

export class ReceiverReports {
  readonly #place: ReportPlace;
  readonly #id: string;
  readonly #epoch: number;
  readonly #clock: Clock;
  #delivery: Delivery;
  #next = 0;
  #sentMs = Number.NEGATIVE_INFINITY;
  #cancel: () => void = () => undefined;
  #stopped = false;

  constructor(
    place: ReportPlace,
    { id, delivery }: Pick<WireHello, 'id' | 'delivery'>,
    epoch: number,
    clock: Clock,
  ) {
    this.#place = place;
    this.#id = id;
    this.#epoch = epoch;
    this.#delivery = delivery;
    this.#clock = clock;
  }

  /** Everything below `next` is here. */
  received(next: number): void {
    if (this.#stopped) return;
    const isFirst = this.#sentMs === Number.NEGATIVE_INFINITY;
    const isNew = next !== this.#next;
    this.#next = next;
    if (isFirst || (isNew && this.#clock.nowMs() - this.#sentMs >= SPACING_MS)) this.#send();
    else if (isNew) this.#sendAfter(SPACING_MS);
  }

  deliver(delivery: Delivery): void {
    if (this.#stopped || delivery === this.#delivery) return;
    this.#delivery = delivery;
    this.#send();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #send(): void {
    this.#sentMs = this.#clock.nowMs();
    const { connection, subject, seals } = this.#place;
    if (!connection.isClosed()) {
      const report = { id: this.#id, epoch: this.#epoch, next: this.#next, delivery: this.#delivery };
      connection.publish(subject, seals.seal(subject, encodeReport(report)));
    }
    this.#sendAfter(REPORT_INTERVAL_MS);
  }

  #sendAfter(ms: number): void {
    this.#cancel();
    if (!this.#stopped) this.#cancel = this.#clock.after(ms, () => this.#send(), true);
  }
}
