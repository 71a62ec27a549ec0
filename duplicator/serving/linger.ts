/**
 * Measures how long a flow has been without a client: its duplicator ends after the linger time.
 * Used by the duplicator program. Pure: the clock and its timer are passed in.
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

  /** Number of clients now; with 0 the linger time starts over. */
  clients(count: number): void {
    this.#cancel?.();
    this.#cancel = count > 0 ? undefined : this.#clock.after(this.#lingerMs, () => this.#onOver());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
