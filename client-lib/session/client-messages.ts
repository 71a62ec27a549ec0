/**
 * The messages of a client: its message classes, its inbox and its messaging thread. Used by
 * Client. The thread is started with the first class; before it, and while it starts, messages
 * arrive on the connection of the client's session. Starts a worker; does no other I/O.
 */
import { systemClock } from '../../protocol/base/clock.js';
import { bytesOfValue, type Delivery } from '../../protocol/rpc/contract/deliveries.js';
import { checkTime } from '../call-options.js';
import { clientLog } from '../client-log.js';
import { Inbox, type InboxOptions, type MessageHandler, type MessageWaitOptions } from '../messages/inbox.js';
import { messageTypeOf, type MessageClass } from '../messages/message-class.js';
import { MessageRoom } from '../messages/message-room.js';
import { MessageThread } from '../messages/message-thread/message-thread.js';

interface MessagesOwner {
  /** Path of the app server's socket. */
  readonly socket: string;
  /** Token of the present session. */
  readonly token: () => string;
  /** Announces the thread's connection to the app server, which lets deliveries wait for it. */
  readonly announce: () => void;
  readonly onError: InboxOptions['onError'];
  /** Deliveries that are no messages. */
  readonly deliver: (delivery: Delivery) => void;
}

export class ClientMessages {
  readonly #owner: MessagesOwner;
  readonly #room = new MessageRoom();
  readonly #inbox: Inbox;
  #thread: MessageThread | undefined;
  #closed = false;

  constructor(owner: MessagesOwner) {
    this.#owner = owner;
    const { onError } = owner;
    this.#inbox = new Inbox({ clock: systemClock, log: clientLog, room: this.#room, onError });
  }

  register(cls: MessageClass): void {
    if (!this.#inbox.register(cls) || this.#closed) return;
    const isFirst = this.#thread === undefined;
    // Written before the program can block this thread.
    if (isFirst) this.#owner.announce();
    this.#thread ??= new MessageThread(this.#owner.socket, this.#room, (delivery) => this.#take(delivery));
    this.#thread.register(messageTypeOf(cls), cls.attributes);
    if (isFirst) this.#thread.identify(this.#owner.token());
  }

  on<M extends object>(cls: MessageClass<M>, handler: MessageHandler<M>): void {
    this.register(cls);
    this.#inbox.on(cls, handler);
  }

  off<M extends object>(cls: MessageClass<M>, handler?: MessageHandler<M>): void {
    this.#inbox.off(cls, handler);
  }

  waitFor<M extends object>(cls: MessageClass<M>, options?: MessageWaitOptions): Promise<M> {
    this.register(cls);
    return this.#inbox.waitFor(cls, options);
  }

  /** The next message of a class, with the thread blocked; undefined when none arrived in time. */
  waitForSync<M extends object>(cls: MessageClass<M>, timeoutMs: number): M | undefined {
    checkTime('timeoutMs', timeoutMs);
    this.register(cls);
    const wait = this.#inbox.watch(cls);
    try {
      const until = performance.now() + timeoutMs;
      while (wait.message === undefined) {
        const delivery = this.#thread?.next(Math.max(0, until - performance.now()));
        if (delivery === undefined) return undefined;
        this.#take(delivery);
      }
      return wait.message;
    } finally {
      wait.end();
    }
  }

  get hasThread(): boolean {
    return this.#thread !== undefined;
  }

  /** The client has another session. */
  identify(session: string): void {
    this.#thread?.identify(session);
  }

  /** A message has arrived on the connection of the session. Throws as Inbox.accept. */
  accept({ message, from = '' }: Delivery): void {
    if (message !== undefined) this.#inbox.accept(message, { from });
  }

  /** Runs no more handlers and rejects waits with CLOSED. */
  stop(): void {
    this.#closed = true;
    this.#inbox.close();
  }

  /** Ends the thread. Called once, after `stop`. */
  async close(): Promise<void> {
    await this.#thread?.close();
  }

  /** A delivery that the thread has acknowledged. */
  #take(delivery: Delivery): void {
    const { kind, message, from = '' } = delivery;
    const bytes = bytesOfValue(message?.attributes);
    if (kind === 'message' && message !== undefined) {
      this.#inbox.take(message, { from }, bytes);
      return;
    }
    this.#room.release(bytes);
    this.#owner.deliver(delivery);
  }
}
