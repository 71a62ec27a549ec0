/**
 * Measures how long a flow has been without a client. When that reaches the linger time (the time
 * for which an unused flow is kept), its duplicator ends. Used by the duplicator program. Opens
 * nothing; runs one timer of the clock that is passed in.
 */
import type { Clock } from '../../protocol/base/clock.js';

export class Linger {
  readonly #clock: Clock;
  readonly #lingerMs: number;
  readonly #onOver: () => void;
  #cancel: (() => void) | undefined;

  /** `onOver` is called each time the flow has had no client for `lingerMs` without a break. */
  constructor(clock: Clock, lingerMs: number, onOver: () => void) {
    this.#clock = clock;
    this.#lingerMs = lingerMs;
    this.#onOver = onOver;
  }

  /** Sets the number of clients now; with 0 the linger time starts over. */
  setClientCount(count: number): void {
    this.#cancel?.();
    this.#cancel = count > 0 ? undefined : this.#clock.after(this.#lingerMs, () => this.#onOver());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
