/**
 * Sends raised and cleared alarms to the receivers of the host's configuration. `Trends` has one.
 * Owns the queues, which open connections and start processes.
 */
import { hostname } from 'node:os';
import type { Clock } from '../../../protocol/base/clock.js';
import type { Logger } from '../../../protocol/base/log.js';
import type { AlarmActions } from '../../../protocol/host/alarm-actions.js';
import { alarmMessage } from './alarm-message.js';
import type { AlarmEvent } from './app-alarms.js';
import { DeliveryQueue } from './delivery-queue.js';
import { command, webhook } from './receivers.js';

/** Deliveries to one receiver, for the metrics. */
export interface DeliveryCounts {
  readonly receiver: 'webhook' | 'command';
  readonly delivered: number;
  readonly failed: number;
}

export class AlarmNotifier {
  readonly #queues = new Map<DeliveryCounts['receiver'], DeliveryQueue>();

  /** `actions` undefined: there are no receivers. */
  constructor(actions: AlarmActions | undefined, clock: Clock, log: Logger) {
    if (actions === undefined) return;
    const { timeoutMs } = actions;
    if (actions.webhook !== undefined) {
      const deliver = webhook(actions.webhook, timeoutMs);
      this.#queues.set('webhook', new DeliveryQueue('webhook', deliver, clock, log));
    }
    if (actions.command !== undefined) {
      const deliver = command(actions.command, timeoutMs);
      this.#queues.set('command', new DeliveryQueue('command', deliver, clock, log));
    }
  }

  get counts(): DeliveryCounts[] {
    return [...this.#queues].map(
      ([
        receiver,
        {
          counts: { delivered, failed },
        },
      ]) => ({
        receiver,
        delivered,
        failed,
      }),
    );
  }

  notify(event: AlarmEvent): void {
    const message = alarmMessage(event, hostname());
    for (const queue of this.#queues.values()) queue.add(message);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
  }
}
