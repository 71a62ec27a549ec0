/**
 * The main thread's end of a client's messaging thread: starts the worker, passes it the client's
 * session and message classes, and takes the deliveries that it has queued, in the event loop or by
 * blocking. Used by ClientMessages. Starts a worker; does no other I/O.
 */
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import type { Delivery } from '../../../protocol/rpc/contract/deliveries.js';
import { programPath } from '../../../protocol/base/installation.js';
import { clientLog } from '../../client-log.js';
import type { Attributes } from '../message-class.js';
import type { MessageRoom } from '../message-room.js';
import type { MessageThreadCommand, MessageThreadSettings } from './thread-messages.js';

/** A thread that has not closed its connection by then is terminated. */
const CLOSE_TIMEOUT_MS = 2_000;

export class MessageThread {
  readonly #room: MessageRoom;
  readonly #port: MessagePort;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;

  /** `onDelivery` runs in the event loop, in the order of arrival. */
  constructor(socket: string, room: MessageRoom, onDelivery: (delivery: Delivery) => void) {
    this.#room = room;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const settings: MessageThreadSettings = { port: port2, socket, room: room.memory };
    this.#worker = new Worker(programPath('message-thread'), {
      name: 'mirrorflow messages',
      workerData: settings,
      transferList: [port2],
    });
    this.#ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    // Its connection closes with it: messages arrive on the connection of the session again.
    this.#worker.on('error', (error) => clientLog.error('the messaging thread failed', { error }));
    port1.on('message', onDelivery);
    // The session keeps the process running while the client is open.
    port1.unref();
    this.#worker.unref();
  }

  register(type: string, attributes: Attributes): void {
    this.#send({ kind: 'register', type, attributes });
  }

  identify(session: string): void {
    this.#send({ kind: 'identify', session });
  }

  /** The next queued delivery, waiting for it with the thread blocked; undefined in time. */
  next(timeoutMs: number): Delivery | undefined {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const { accepted } = this.#room;
      const received = receiveMessageOnPort(this.#port);
      if (received !== undefined) return received.message as Delivery;
      const leftMs = until - performance.now();
      if (leftMs <= 0) return undefined;
      this.#room.waitForMore(accepted, leftMs);
    }
  }

  /** Resolves when the thread has ended. Called once. */
  async close(): Promise<void> {
    this.#worker.ref();
    this.#port.removeAllListeners('message');
    this.#send({ kind: 'close' });
    const timer = setTimeout(() => void this.#worker.terminate(), CLOSE_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
    this.#port.close();
  }

  #send(command: MessageThreadCommand): void {
    this.#port.postMessage(command);
  }
}
