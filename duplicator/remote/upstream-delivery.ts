/**
 * Decides whether the sender of a flow must wait for this host (lossless delivery) or may skip what
 * this host is too slow for (lossy): lossless exactly while a consumer here needs every buffer.
 * Owned by RemoteFlow. Pure but for the clock, which is passed in.
 *
 * | requested | while                                                                         |
 * | --------- | ----------------------------------------------------------------------------- |
 * | lossless  | a lossless consumer is connected, waits for admission, or is expected to reattach |
 * | lossy     | there is none of them                                                         |
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { Delivery } from '../serving/consumer-registry.js';

/**
 * Longest time that a lossless consumer waits for the sender's agreement, milliseconds. A sender
 * that does not agree has demoted this host.
 */
const GRANTED_WITHIN_MS = 2_000;

export class UpstreamDelivery {
  readonly #clock: Clock;
  readonly #request: (delivery: Delivery) => void;
  /** Numbers of lossless consumers: connected, expected to reattach, and waiting for admission. */
  #lossless = 0;
  #expected = 0;
  #admitting = 0;
  #requested: Delivery = 'lossy';
  /** Undefined without a link. */
  #granted: Delivery | undefined;
  #waiting: (() => void)[] = [];

  /** `request` asks the sender, when there is a link. */
  constructor(clock: Clock, request: (delivery: Delivery) => void) {
    this.#clock = clock;
    this.#request = request;
  }

  /** The delivery that a new link requests in its first message. */
  begin(): Delivery {
    this.#requested = this.#needed;
    return this.#requested;
  }

  /** The number of connected lossless consumers. */
  count(lossless: number): void {
    this.#lossless = lossless;
    this.#update();
  }

  /** The number of lossless consumers of a killed predecessor that are expected to reattach. */
  expect(consumers: number): void {
    this.#expected = consumers;
    this.#update();
  }

  expectAtMost(consumers: number): void {
    this.expect(Math.min(this.#expected, consumers));
  }

  /** The delivery of what the sender sends from now on; undefined: there is no link. */
  granted(delivery: Delivery | undefined): void {
    this.#granted = delivery;
    if (delivery === 'lossy') return;
    // Consumers that wait for a lossless link have it, or cannot have it before the next one.
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const admit of waiting) admit();
  }

  /** Whether `delivery` is less than this host requested. */
  isRefused(delivery: Delivery): boolean {
    return delivery === 'lossy' && this.#requested === 'lossless';
  }

  /** Requests what became necessary while the link was made. */
  settle(): void {
    this.#update();
  }

  /**
   * Resolves when no buffer is left out any more, or when the sender does not agree in time;
   * undefined when a lossless consumer can be admitted at once.
   */
  beforeLossless(): Promise<void> | undefined {
    if (this.#granted === undefined || (this.#granted === 'lossless' && this.#requested === 'lossless'))
      return undefined;
    this.#admitting += 1;
    this.#update();
    const granted = new Promise<void>((resolve) => {
      const cancel = this.#clock.after(GRANTED_WITHIN_MS, resolve, true);
      this.#waiting.push(() => {
        cancel();
        resolve();
      });
    });
    // By the next turn the admitted consumer is counted by `count`.
    void granted.then(() =>
      setImmediate(() => {
        this.#admitting -= 1;
        this.#update();
      }),
    );
    return granted;
  }

  get #needed(): Delivery {
    return this.#lossless + this.#expected + this.#admitting > 0 ? 'lossless' : 'lossy';
  }

  #update(): void {
    const needed = this.#needed;
    if (this.#granted === undefined || needed === this.#requested) return;
    this.#requested = needed;
    this.#request(needed);
  }
}
