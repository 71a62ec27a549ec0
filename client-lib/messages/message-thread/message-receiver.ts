/**
 * The messaging thread's side of a client: receives deliveries on a connection of its own, checks
 * the attributes of messages, queues them for the main thread and acknowledges them, however busy
 * the main thread is. Used by main.ts. Opens a session with the app server.
 */
import type { MessagePort } from 'node:worker_threads';
import { bytesOfValue, type Delivery } from '../../../protocol/rpc/contract/deliveries.js';
import { CONTRACT } from '../../../protocol/rpc/contract/methods.js';
import { callerOf } from '../../../protocol/rpc/xml-rpc/contract.js';
import { Dispatcher } from '../../../protocol/rpc/xml-rpc/dispatcher.js';
import { PermanentConnection } from '../../../protocol/rpc/xml-rpc/permanent-connection.js';
import type { RpcSession } from '../../../protocol/rpc/xml-rpc/session.js';
import { clientLog } from '../../client-log.js';
import { checkAttributes, type Attributes } from '../message-class.js';
import { MessageRoom } from '../message-room.js';
import type { MessageThreadSettings } from './thread-messages.js';

/** Time for calls that are under way when the client closes. */
const CLOSE_GRACE_MS = 500;

export class MessageReceiver {
  readonly #port: MessagePort;
  readonly #room: MessageRoom;
  /** Attributes of the registered message classes, by type. */
  readonly #declared = new Map<string, Attributes>();
  readonly #connection: PermanentConnection<undefined>;
  /** Token of the client's session; empty before `identify`. */
  #session = '';

  constructor({ port, room, socket }: MessageThreadSettings) {
    this.#port = port;
    this.#room = new MessageRoom(room);
    const handlers = {
      'client.deliver': ([delivery]: readonly [Delivery]) => {
        this.#accept(delivery);
        return true;
      },
    };
    this.#connection = new PermanentConnection<undefined>(
      { path: socket },
      {
        context: () => undefined,
        log: clientLog,
        limits: { closeGraceMs: CLOSE_GRACE_MS },
        dispatcher: new Dispatcher<typeof CONTRACT, undefined>(CONTRACT, handlers, {
          log: clientLog,
          // Only the app server calls on a session that this thread has opened to it.
          granted: () => 'child',
        }),
        onConnected: (connected) => this.#receiveOn(connected),
      },
    );
  }

  register(type: string, attributes: Attributes): void {
    this.#declared.set(type, attributes);
  }

  /** Receives the deliveries of the client with this session token from now on. */
  identify(session: string): void {
    const isFirst = this.#session === '';
    this.#session = session;
    const connected = this.#connection.session;
    if (isFirst) this.#connection.start();
    else if (connected === undefined) this.#connection.retryNow();
    // Without an answer the connection is of no use; it is opened again.
    else void this.#receiveOn(connected).catch(() => connected.destroy());
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #receiveOn(connected: RpcSession): Promise<void> {
    await callerOf(CONTRACT, connected)('client.receive', [this.#session]);
  }

  /** The error of a refused delivery is sent back to the sender. */
  #accept(delivery: Delivery): void {
    const { message } = delivery;
    const bytes = bytesOfValue(message?.attributes);
    this.#room.check(bytes);
    const attributes = message === undefined ? undefined : this.#declared.get(message.type);
    if (message !== undefined && attributes !== undefined) checkAttributes(attributes, message);
    this.#port.postMessage(delivery);
    this.#room.accept(bytes);
  }
}
