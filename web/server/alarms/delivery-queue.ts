/**
 * Delivers messages to one receiver, one after the other: a few attempts each, a bounded number
 * that waits. `AlarmNotifier` has one per receiver. Waits by the clock that is passed in.
 */
import type { Clock } from '../../../protocol/base/clock.js';
import type { Logger } from '../../../protocol/base/log.js';

export type Message = Readonly<Record<string, unknown>>;

/** Delivers one message; rejects where the receiver did not take it. */
export type Deliver = (message: Message, signal: AbortSignal) => Promise<void>;

/** Messages that wait; beyond, the oldest is dropped: the newest state matters. */
export const WAITING_MAX = 100;
/** Waits before the second and the third attempt. */
export const RETRY_AFTER_MS = [1_000, 10_000] as const;

export class DeliveryQueue {
  readonly #name: string;
  readonly #deliver: Deliver;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #waiting: Message[] = [];
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #delivered = 0;
  #failed = 0;

  constructor(name: string, deliver: Deliver, clock: Clock, log: Logger) {
    this.#name = name;
    this.#deliver = deliver;
    this.#clock = clock;
    this.#log = log;
  }

  /** Messages that were delivered, and those that were given up. */
  get counts(): { readonly delivered: number; readonly failed: number } {
    return { delivered: this.#delivered, failed: this.#failed };
  }

  add(message: Message): void {
    if (this.#closing.signal.aborted) return;
    this.#waiting.push(message);
    if (this.#waiting.length > WAITING_MAX) {
      this.#waiting.shift();
      this.#fail('too many messages wait');
    }
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  /** Ends the present attempt; messages that wait are dropped. */
  async close(): Promise<void> {
    this.#waiting.length = 0;
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#attempt(next);
    }
  }

  async #attempt(message: Message): Promise<void> {
    for (const waitMs of [...RETRY_AFTER_MS, undefined]) {
      try {
        await this.#deliver(message, this.#closing.signal);
        this.#delivered += 1;
        return;
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        if (waitMs === undefined) return this.#fail(error);
        this.#log.warn(`the ${this.#name} of an alarm failed and is tried again`, { error });
        await this.#wait(waitMs);
      }
    }
  }

  #fail(error: unknown): void {
    this.#failed += 1;
    this.#log.error(`the ${this.#name} of an alarm failed`, { error });
  }

  #wait(ms: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#clock.after(ms, done, true);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }
}
