/**
 * The messages that have arrived at a client: turned into objects of their classes and passed to
 * waits and handlers, one at a time, in the order of arrival, in the event loop of the main thread.
 * The next handler runs when the promise of the one before has settled. Used by ClientMessages.
 * No I/O: clock and log are passed in.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { bytesOfValue, type MessageOnWire } from '../../protocol/rpc/contract/deliveries.js';
import { describeError, MirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { abortedError, checkWait } from '../call-options.js';
import { isInvocable, messageFromWire, messageTypeOf, type MessageClass } from './message-class.js';
import type { MessageRoom } from './message-room.js';

/** Interval between two warnings about dropped messages of one type. */
const WARN_INTERVAL_MS = 60_000;
/** Types whose last warning is stored. */
const WARNED_TYPES_MAX = 256;
/** Longest delay of a Node timer; longer timeouts are cut to it. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Where a message came from. */
export interface MessageOrigin {
  /** Name of the client that sent it. */
  readonly from: string;
}

/** Gets each message that arrives. */
export type MessageHandler<M> = (message: M, origin: MessageOrigin) => void | Promise<void>;

/** How long a message is waited for. */
export interface MessageWaitOptions {
  /** Milliseconds from 0. Default: until the client closes. */
  readonly timeoutMs?: number;
  /** Ends the wait with an error when it is aborted. */
  readonly signal?: AbortSignal;
}

export interface InboxOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Counts the queued messages. */
  readonly room: MessageRoom;
  /** A handler or an `invoke` threw or rejected. */
  readonly onError: (error: unknown, message: object) => void;
}

interface QueuedMessage {
  readonly message: object;
  readonly type: string;
  readonly origin: MessageOrigin;
  readonly bytes: number;
}

interface Wait {
  readonly resolve: (message: object) => void;
  readonly reject: (error: MirrorflowError) => void;
}

interface Registration {
  readonly cls: MessageClass;
  readonly handlers: Set<MessageHandler<never>>;
  readonly waits: Set<Wait>;
}

export class Inbox {
  readonly #options: InboxOptions;
  readonly #registrations = new Map<string, Registration>();
  readonly #warnedMs = new Map<string, number>();
  #queue: QueuedMessage[] = [];
  #draining = false;
  #closed = false;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /**
   * Registers a class; false when it was registered before. Throws BAD_OPTION for a wrong
   * declaration, and when another class has the same type.
   */
  register(cls: MessageClass): boolean {
    const known = this.#registrations.size;
    this.#registrationOf(cls);
    return this.#registrations.size > known;
  }

  #registrationOf(cls: MessageClass): Registration {
    const type = messageTypeOf(cls);
    const existing = this.#registrations.get(type);
    if (existing?.cls === cls) return existing;
    if (existing !== undefined) {
      throw new MirrorflowError(
        'BAD_OPTION',
        `message type ${type} is registered by another class (${existing.cls.name}) already; give this class another \`type\``,
        { type },
      );
    }
    const registration: Registration = { cls, handlers: new Set(), waits: new Set() };
    this.#registrations.set(type, registration);
    return registration;
  }

  on<M extends object>(cls: MessageClass<M>, handler: MessageHandler<M>): void {
    this.#registrationOf(cls).handlers.add(handler);
  }

  off<M extends object>(cls: MessageClass<M>, handler?: MessageHandler<M>): void {
    const registration = this.#registrations.get(messageTypeOf(cls));
    if (handler === undefined) registration?.handlers.clear();
    else registration?.handlers.delete(handler);
  }

  /**
   * Resolves with the next message of a class in the turn in which it arrives, so a handler may
   * wait too. Rejects with TIMED_OUT or CLOSED.
   */
  waitFor<M extends object>(cls: MessageClass<M>, options: MessageWaitOptions = {}): Promise<M> {
    checkWait('waitFor', options, ['timeoutMs', 'signal']);
    const { timeoutMs, signal } = options;
    const { waits } = this.#registrationOf(cls);
    const type = messageTypeOf(cls);
    return new Promise<M>((resolve, reject) => {
      const timer: { cancel?: () => void } = {};
      const end = (): void => {
        waits.delete(wait);
        timer.cancel?.();
        signal?.removeEventListener('abort', abort);
      };
      const wait: Wait = {
        resolve: (message) => {
          end();
          resolve(message as M);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      const abort = (): void => wait.reject(abortedError(`wait for ${type}`, signal));
      if (this.#closed) return wait.reject(closedError(type));
      if (signal?.aborted === true) return abort();
      waits.add(wait);
      signal?.addEventListener('abort', abort, { once: true });
      if (timeoutMs === undefined || timeoutMs === Number.POSITIVE_INFINITY) return;
      timer.cancel = this.#options.clock.after(Math.min(timeoutMs, TIMER_MAX_MS), () =>
        wait.reject(
          new MirrorflowError('TIMED_OUT', `no ${type} arrived within ${timeoutMs} ms`, { type, timeoutMs }),
        ),
      );
    });
  }

  /** Stores the next message of a class, until `end`. Throws CLOSED. */
  watch<M extends object>(
    cls: MessageClass<M>,
  ): { readonly message: M | undefined; readonly end: () => void } {
    const { waits } = this.#registrationOf(cls);
    if (this.#closed) throw closedError(messageTypeOf(cls));
    let arrived: M | undefined;
    const end = (): void => void waits.delete(wait);
    const wait: Wait = {
      resolve: (message) => {
        arrived = message as M;
        end();
      },
      reject: end,
    };
    waits.add(wait);
    return {
      get message() {
        return arrived;
      },
      end,
    };
  }

  /**
   * A message has arrived that is not acknowledged yet. Throws INVALID_PARAMETERS for wrong
   * attributes, LIMIT_REACHED when too many messages are queued; the error is sent back to the
   * sender.
   */
  accept(wire: MessageOnWire, origin: MessageOrigin): void {
    if (this.#closed) throw closedError(wire.type);
    const bytes = bytesOfValue(wire.attributes);
    this.#options.room.check(bytes);
    this.#enqueue(wire, origin, bytes);
    this.#options.room.accept(bytes);
  }

  /** Takes a message that was accepted and acknowledged by the messaging thread. */
  take(wire: MessageOnWire, origin: MessageOrigin, bytes: number): void {
    if (this.#closed) return;
    try {
      this.#enqueue(wire, origin, bytes);
    } catch (error) {
      this.#options.room.release(bytes);
      this.#drop(wire.type, origin, describeError(error));
    }
  }

  /** What is not queued for a handler leaves the queue at once. */
  #enqueue(wire: MessageOnWire, origin: MessageOrigin, bytes: number): void {
    const registration = this.#registrations.get(wire.type);
    if (registration === undefined) {
      this.#options.room.release(bytes);
      return this.#drop(wire.type, origin, 'no class is registered for it');
    }
    const { cls, handlers, waits } = registration;
    const isHandled = handlers.size > 0 || isInvocable(cls.prototype);
    if (!isHandled && waits.size === 0) {
      this.#options.room.release(bytes);
      return this.#drop(wire.type, origin, 'it has no invoke() and no handler');
    }
    const message = messageFromWire(cls, wire);
    for (const wait of waits) wait.resolve(message);
    if (!isHandled) return this.#options.room.release(bytes);
    this.#queue.push({ message, type: wire.type, origin, bytes });
    if (this.#draining) return;
    this.#draining = true;
    // The answer to the sender goes out before the first handler runs.
    setImmediate(() => void this.#drain());
  }

  /** Runs no more handlers, drops queued messages, rejects waits with CLOSED. */
  close(): void {
    this.#closed = true;
    this.#queue = [];
    for (const [type, { waits }] of this.#registrations) {
      for (const wait of waits) wait.reject(closedError(type));
    }
  }

  async #drain(): Promise<void> {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      this.#options.room.release(next.bytes);
      const { message, origin } = next;
      if (isInvocable(message)) await this.#run(message, () => message.invoke());
      for (const handler of this.#registrations.get(next.type)?.handlers ?? []) {
        if (this.#closed) break;
        await this.#run(message, () => (handler as MessageHandler<object>)(message, origin));
      }
    }
    this.#draining = false;
  }

  async #run(message: object, callback: () => unknown): Promise<void> {
    try {
      await callback();
    } catch (error) {
      this.#options.onError(error, message);
    }
  }

  #drop(type: string, { from }: MessageOrigin, why: string): void {
    const { clock, log } = this.#options;
    const nowMs = clock.nowMs();
    const lastMs = this.#warnedMs.get(type);
    if (lastMs !== undefined && nowMs - lastMs < WARN_INTERVAL_MS) return;
    if (this.#warnedMs.size >= WARNED_TYPES_MAX) this.#warnedMs.clear();
    this.#warnedMs.set(type, nowMs);
    log.warn('a message was dropped', { type, from, reason: why });
  }
}

function closedError(type: string): MirrorflowError {
  return new MirrorflowError('CLOSED', `this client is closed: it receives no ${type} any more`, { type });
}
