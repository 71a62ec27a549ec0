/**
 * A delay that ends early when its reason is over: between attempts to reach a source, or until the
 * next request is due. One object per loop that waits; the loop calls `wait`, others call `wake`.
 * Pure but for the clock, which is passed in.
 */
import type { Clock } from './clock.js';

export class InterruptibleWait {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #end: () => void = () => undefined;

  /** `signal` ends the present wait and every later one. */
  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.wake(), { once: true });
  }

  /** Resolves after `delayMs`, or earlier when woken or aborted. One wait at a time. */
  async wait(delayMs: number): Promise<void> {
    if (delayMs <= 0 || this.#signal.aborted) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(delayMs, resolve);
      this.#end = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Ends the present wait; without one nothing happens. */
  wake(): void {
    this.#end();
  }
}
