/**
 * The messages that have arrived at a client: turned into objects of their classes and passed to
 * waits and handlers, one at a time, in the order of arrival, in the event loop of the main thread.
 * A promise that a handler returns is awaited before the next handler runs. Used by Client. No I/O:
 * clock and log are passed in.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { bytesOfValue, type MessageOnWire } from '../../protocol/rpc/contract/deliveries.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { Logger } from '../../protocol/base/log.js';
import { isInvocable, messageFromWire, messageTypeOf, type MessageClass } from './message-class.js';

/** Interval between two warnings about dropped messages of one type. */
const WARN_INTERVAL_MS = 60_000;
/** Types whose last warning is stored. */
const WARNED_TYPES_MAX = 256;
/** Longest delay of a Node timer; longer timeouts are cut to it. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export interface MessageOrigin {
  /** Name of the client that sent it. */
  readonly from: string;
}

export type MessageHandler<M> = (message: M, origin: MessageOrigin) => void | Promise<void>;

export interface MessageWaitOptions {
  /** Milliseconds from 0. Default: until the client closes. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface InboxOptions {
  readonly clock: Clock;
  readonly log: Logger;
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
  #bytes = 0;
  #draining = false;
  #closed = false;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /**
   * Registers a class. Throws BAD_OPTION for a wrong declaration, and when another class has the
   * same type.
   */
  register(cls: MessageClass): Registration {
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
    this.register(cls).handlers.add(handler);
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
  waitFor<M extends object>(
    cls: MessageClass<M>,
    { timeoutMs, signal }: MessageWaitOptions = {},
  ): Promise<M> {
    const { waits } = this.register(cls);
    const type = messageTypeOf(cls);
    if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 0)) {
      throw new MirrorflowError(
        'BAD_OPTION',
        `timeoutMs is ${String(timeoutMs)}; it must be milliseconds from 0`,
      );
    }
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
      const abort = (): void =>
        wait.reject(
          new MirrorflowError('CLOSED', `the wait for ${type} was aborted`, { type }, signal?.reason),
        );
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

  /**
   * A message has arrived. Throws INVALID_PARAMETERS for wrong attributes, LIMIT_REACHED when too
   * many messages are queued; the error is sent back to the sender.
   */
  accept(wire: MessageOnWire, origin: MessageOrigin): void {
    if (this.#closed) throw closedError(wire.type);
    const registration = this.#registrations.get(wire.type);
    if (registration === undefined) return this.#drop(wire.type, origin, 'no class is registered for it');
    const { cls, handlers, waits } = registration;
    const isHandled = handlers.size > 0 || isInvocable(cls.prototype);
    if (!isHandled && waits.size === 0) {
      return this.#drop(wire.type, origin, 'it has no invoke() and no handler');
    }
    const bytes = bytesOfValue(wire.attributes);
    if (isHandled) this.#checkRoom(bytes);
    const message = messageFromWire(cls, wire);
    for (const wait of waits) wait.resolve(message);
    if (!isHandled) return;
    this.#queue.push({ message, type: wire.type, origin, bytes });
    this.#bytes += bytes;
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
      this.#bytes -= next.bytes;
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

  #checkRoom(bytes: number): void {
    const queued = this.#queue.length;
    if (queued < LIMITS.messagesWaiting && this.#bytes + bytes <= LIMITS.messagesWaitingBytes) return;
    throw new MirrorflowError(
      'LIMIT_REACHED',
      `${queued} messages (${this.#bytes} bytes) are queued for this client already; send again later`,
      { waiting: queued },
    );
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
