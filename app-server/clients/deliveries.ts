/**
 * Brings deliveries (messages, flow control marks, requests to quit) to clients. A client with a
 * permanent connection is called at once and answers when it has queued the delivery: on the
 * connection of its messaging thread when it has one, else on that of its session. For a client
 * over HTTP it waits in a bounded mailbox until `client.poll`. Used by `calls/messages.ts`,
 * `calls/client-calls.ts` and `flows/flow-control.ts`; calls clients on their own connections,
 * opens none.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { bytesOfValue, type Delivery } from '../../protocol/rpc/contract/deliveries.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { callerOf, type Caller } from '../../protocol/rpc/xml-rpc/contract.js';
import type { Client } from './clients.js';

/**
 * A delivery that the client has not acknowledged within this time counts as failed, although the
 * client may still process it later.
 */
const DELIVER_TIMEOUT_MS = LIMITS.rpcCallTimeoutMs / 2;

/** A messaging thread that was announced and has not connected by then is not waited for. */
const RECEIVER_START_MS = 4_000;

interface Mailbox {
  readonly waiting: { readonly delivery: Delivery; readonly bytes: number }[];
  bytes: number;
}

/** The connection of a client's messaging thread. */
interface Receiver {
  readonly connection: Caller;
  /** Resolves when no delivery is under way on the connection used before, so order is kept. */
  readonly handedOver: Promise<unknown>;
}

/** A delivery whose call was made; an object, so that no caller waits for the promise with it. */
interface BegunDelivery {
  readonly delivered: Promise<unknown>;
}

/** A messaging thread that is about to connect. */
interface ExpectedReceiver {
  readonly arrived: Promise<void>;
  readonly arrive: () => void;
}

export class Deliveries {
  readonly #receivers = new WeakMap<Client, Receiver>();
  /** The last delivery to the client: deliveries begin in the order of their calls. */
  readonly #begun = new WeakMap<Client, Promise<BegunDelivery>>();
  /** Resolves when all deliveries to the client so far have ended. */
  readonly #underWay = new WeakMap<Client, Promise<unknown>>();
  readonly #clock: Clock;
  readonly #expected = new WeakMap<Client, ExpectedReceiver>();
  readonly #mailboxes = new WeakMap<Client, Mailbox>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves when the client has the delivery; keeps the order of the calls. Rejects with
   * LIMIT_REACHED when its mailbox is full, TIMED_OUT, CLOSED.
   */
  async deliver(client: Client, delivery: Delivery): Promise<void> {
    if (client.connection === undefined) {
      this.#store(client, delivery);
      return;
    }
    const begun = this.#begin(client, client.connection, delivery);
    this.#begun.set(client, begun);
    const { delivered } = await begun;
    await delivered;
  }

  /** Makes the call when all earlier deliveries to the client have begun. Never rejects. */
  async #begin(client: Client, session: Caller, delivery: Delivery): Promise<BegunDelivery> {
    await this.#begun.get(client);
    await this.#expected.get(client)?.arrived;
    let receiver = this.#receivers.get(client);
    await receiver?.handedOver;
    while (receiver !== this.#receivers.get(client)) {
      receiver = this.#receivers.get(client);
      await receiver?.handedOver;
    }
    const call = callerOf(CONTRACT, receiver?.connection ?? session);
    const delivered = call('client.deliver', [delivery], { timeoutMs: DELIVER_TIMEOUT_MS });
    this.#underWay.set(client, Promise.allSettled([this.#underWay.get(client), delivered]));
    return { delivered };
  }

  /** Deliveries wait for `receiveOn`, for a bounded time. */
  expectReceiver(client: Client): void {
    if (this.#receivers.has(client) || this.#expected.has(client)) return;
    let resolve: () => void = () => undefined;
    const arrived = new Promise<void>((arrive) => {
      resolve = arrive;
    });
    const arrive = (): void => {
      this.#expected.delete(client);
      cancel();
      resolve();
    };
    const cancel = this.#clock.after(RECEIVER_START_MS, arrive, true);
    this.#expected.set(client, { arrived, arrive });
  }

  /**
   * Makes the deliveries to a client on this connection from now on, until it closes. Throws
   * REFUSED for a client over HTTP.
   */
  receiveOn(client: Client, connection: Caller & { readonly closed: Promise<void> }): void {
    if (client.connection === undefined) {
      throw new MirrorflowError('REFUSED', 'client.receive is for clients with a permanent connection');
    }
    const receiver: Receiver = { connection, handedOver: this.#underWay.get(client) ?? Promise.resolve() };
    this.#receivers.set(client, receiver);
    this.#expected.get(client)?.arrive();
    void connection.closed.then(() => {
      if (this.#receivers.get(client) === receiver) this.#receivers.delete(client);
    });
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
