/** How long a flow without clients is kept: pure, told of the clients, with the clock passed in. */
import type { Clock } from '../../protocol/base/clock.js';

export class Linger {
  readonly #clock: Clock;
  readonly #lingerMs: number;
  readonly #over: () => void;
  #cancel: (() => void) | undefined;

  /** `over` is called each time the flow was without a client for `lingerMs` on end. */
  constructor(clock: Clock, lingerMs: number, over: () => void) {
    this.#clock = clock;
    this.#lingerMs = lingerMs;
    this.#over = over;
  }

  clients(count: number): void {
    this.#cancel?.();
    this.#cancel = count > 0 ? undefined : this.#clock.after(this.#lingerMs, () => this.#over());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
