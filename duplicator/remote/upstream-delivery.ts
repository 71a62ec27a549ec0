/**
 * Whether the sender of a flow has to wait for this host: while somebody here needs every buffer,
 * and not otherwise. Pure but for the clock.
 *
 * | wanted   | because                                                                            |
 * | -------- | ---------------------------------------------------------------------------------- |
 * | lossless | a lossless consumer is there, waits to be admitted, or is expected back            |
 * | lossy    | none of them                                                                       |
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { Delivery } from '../serving/consumer-registry.js';

/**
 * A consumer that wants every buffer waits so long for the sender to agree; a sender that does not
 * has a reason.
 */
const GRANTED_WITHIN_MS = 2_000;

export class UpstreamDelivery {
  readonly #clock: Clock;
  readonly #ask: (delivery: Delivery) => void;
  #lossless = 0;
  #expected = 0;
  #admitting = 0;
  #asked: Delivery = 'lossy';
  #granted: Delivery | undefined;
  #waiting: (() => void)[] = [];

  /** `ask` tells the sender, when there is a link. */
  constructor(clock: Clock, ask: (delivery: Delivery) => void) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** A new link asks for this in its first message. */
  begin(): Delivery {
    this.#asked = this.#wanted;
    return this.#asked;
  }

  /** Lossless consumers that are there. */
  count(lossless: number): void {
    this.#lossless = lossless;
    this.#look();
  }

  /** Those that a killed predecessor had. */
  expect(consumers: number): void {
    this.#expected = consumers;
    this.#look();
  }

  expectAtMost(consumers: number): void {
    this.expect(Math.min(this.#expected, consumers));
  }

  /**
   * What the sender does from here on; undefined: there is no link. Whoever waits for lossless has
   * it, or cannot have it.
   */
  granted(delivery: Delivery | undefined): void {
    this.#granted = delivery;
    if (delivery === 'lossy') return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  /** Whether this host asked for what it was not granted. */
  isRefused(delivery: Delivery): boolean {
    return delivery === 'lossy' && this.#asked === 'lossless';
  }

  /** Asks again what may have changed while the link was made. */
  settle(): void {
    this.#look();
  }

  /**
   * Resolves when nothing of what comes is left out any more, or nobody can promise that; undefined
   * when that is so already.
   */
  beforeLossless(): Promise<void> | undefined {
    if (this.#granted === undefined || (this.#granted === 'lossless' && this.#asked === 'lossless'))
      return undefined;
    this.#admitting += 1;
    this.#look();
    const granted = new Promise<void>((resolve) => {
      const cancel = this.#clock.after(GRANTED_WITHIN_MS, resolve, true);
      this.#waiting.push(() => {
        cancel();
        resolve();
      });
    });
    // Whoever was waited for is counted by then.
    void granted.then(() =>
      setImmediate(() => {
        this.#admitting -= 1;
        this.#look();
      }),
    );
    return granted;
  }

  get #wanted(): Delivery {
    return this.#lossless + this.#expected + this.#admitting > 0 ? 'lossless' : 'lossy';
  }

  #look(): void {
    const wanted = this.#wanted;
    if (this.#granted === undefined || wanted === this.#asked) return;
    this.#asked = wanted;
    this.#ask(wanted);
  }
}
