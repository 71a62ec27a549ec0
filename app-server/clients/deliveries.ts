/**
 * Brings deliveries (messages, flow control marks, requests to quit) to clients. A client with a
 * permanent connection is called at once and answers when it has queued the delivery; for a client
 * over HTTP it waits in a bounded mailbox until `client.poll`. Used by `calls/messages.ts` and
 * `flows/flow-control.ts`; calls clients on their own connections, opens none.
 */
import { bytesOfValue, type Delivery } from '../../protocol/rpc/contract/deliveries.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { Client } from './clients.js';

/**
 * A delivery that the client has not acknowledged within this time counts as failed, although the
 * client may still process it later.
 */
const DELIVER_TIMEOUT_MS = LIMITS.rpcCallTimeoutMs / 2;

interface Mailbox {
  readonly waiting: { readonly delivery: Delivery; readonly bytes: number }[];
  bytes: number;
}

export class Deliveries {
  readonly #mailboxes = new WeakMap<Client, Mailbox>();

  /**
   * Resolves when the client has the delivery; keeps the order of the calls. Rejects with
   * LIMIT_REACHED when its mailbox is full, TIMED_OUT, CLOSED.
   */
  async deliver(client: Client, delivery: Delivery): Promise<void> {
    if (client.connection === undefined) {
      this.#store(client, delivery);
      return;
    }
    const call = callerOf(CONTRACT, client.connection);
    await call('client.deliver', [delivery], { timeoutMs: DELIVER_TIMEOUT_MS });
  }

  /**
   * Takes up to `max` deliveries out of the mailbox of a client over HTTP. Throws REFUSED for a
   * client with a permanent connection.
   */
  poll(client: Client, max: number): Delivery[] {
    if (client.connection !== undefined) {
      throw new MirrorflowError(
        'REFUSED',
        'client.poll is for clients over HTTP: this client gets every delivery on its connection',
      );
    }
    const mailbox = this.#mailboxes.get(client);
    if (mailbox === undefined) return [];
    const taken: Delivery[] = [];
    let bytes = 0;
    for (const next of mailbox.waiting) {
      bytes += next.bytes;
      if (taken.length === max || (taken.length > 0 && bytes > LIMITS.rpcBodyBytes / 4)) break;
      taken.push(next.delivery);
    }
    for (const { bytes } of mailbox.waiting.splice(0, taken.length)) mailbox.bytes -= bytes;
    return taken;
  }

  #store(client: Client, delivery: Delivery): void {
    const mailbox = this.#mailboxes.get(client) ?? { waiting: [], bytes: 0 };
    this.#mailboxes.set(client, mailbox);
    const bytes = bytesOfValue(delivery);
    const waiting = mailbox.waiting.length;
    if (waiting >= LIMITS.messagesWaiting || mailbox.bytes + bytes > LIMITS.messagesWaitingBytes) {
      const { name } = client.presentation;
      throw new MirrorflowError(
        'LIMIT_REACHED',
        `${waiting} messages (${mailbox.bytes} bytes) wait for client ${name} already; it must poll`,
        { client: name, waiting },
      );
    }
    mailbox.waiting.push({ delivery, bytes });
    mailbox.bytes += bytes;
  }
}
