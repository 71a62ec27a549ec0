/**
 * Brings things to clients: at once to those with a permanent connection, which answer when they
 * have queued it; into a bounded box, until they poll, for those over HTTP.
 */
import { bytesOfValue, type Delivery } from '../../protocol/rpc/contract/deliveries.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { Client } from './clients.js';

/**
 * A client that does not take something within this time has not got it, though it may still find
 * it later.
 */
const DELIVER_TIMEOUT_MS = LIMITS.rpcCallTimeoutMs / 2;

interface Box {
  readonly waiting: { readonly delivery: Delivery; readonly bytes: number }[];
  bytes: number;
}

export class Deliveries {
  readonly #boxes = new WeakMap<Client, Box>();

  /**
   * Resolves when the client has it. Rejects with LIMIT_REACHED when too much waits for it,
   * TIMED_OUT, CLOSED. Keeps the order of the calls.
   */
  async deliver(client: Client, delivery: Delivery): Promise<void> {
    if (client.connection === undefined) {
      this.#box(client, delivery);
      return;
    }
    const call = callerOf(CONTRACT, client.connection);
    await call('client.deliver', [delivery], { timeoutMs: DELIVER_TIMEOUT_MS });
  }

  /**
   * Takes up to `max` of what waits for a client over HTTP. Throws REFUSED for one with a
   * connection.
   */
  poll(client: Client, max: number): Delivery[] {
    if (client.connection !== undefined) {
      throw new MirrorflowError(
        'REFUSED',
        'client.poll is for clients over HTTP: this one gets everything on its connection',
      );
    }
    const box = this.#boxes.get(client);
    if (box === undefined) return [];
    const taken: Delivery[] = [];
    let bytes = 0;
    for (const next of box.waiting) {
      bytes += next.bytes;
      if (taken.length === max || (taken.length > 0 && bytes > LIMITS.rpcBodyBytes / 4)) break;
      taken.push(next.delivery);
    }
    for (const { bytes } of box.waiting.splice(0, taken.length)) box.bytes -= bytes;
    return taken;
  }

  #box(client: Client, delivery: Delivery): void {
    const box = this.#boxes.get(client) ?? { waiting: [], bytes: 0 };
    this.#boxes.set(client, box);
    const bytes = bytesOfValue(delivery);
    if (box.waiting.length >= LIMITS.messagesWaiting || box.bytes + bytes > LIMITS.messagesWaitingBytes) {
      const { name } = client.presentation;
      throw new MirrorflowError(
        'LIMIT_REACHED',
        `${box.waiting.length} messages (${box.bytes} bytes) wait for client ${name} already; it must poll`,
        { client: name, waiting: box.waiting.length },
      );
    }
    box.waiting.push({ delivery, bytes });
    box.bytes += bytes;
  }
}
