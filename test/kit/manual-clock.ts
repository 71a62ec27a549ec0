/**
 * A clock for tests of components that take a `Clock`: time passes and timers run only in
 * `advance`. Used by tests of every part. Pure: no real timer.
 */
import type { Clock } from '../../protocol/base/clock.js';

interface Timer {
  readonly atMs: number;
  readonly action: () => void;
}

export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();
  /** Calls of `waitForTimer` that wait. */
  readonly #timerWaiters: (() => void)[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  /** Returns a function that cancels the timer. */
  after(delayMs: number, action: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, action };
    this.#timers.add(timer);
    for (const resolve of this.#timerWaiters.splice(0)) resolve();
    return () => this.#timers.delete(timer);
  }

  /** The remaining delays of all timers, shortest first. */
  get delaysMs(): number[] {
    return [...this.#timers].map(({ atMs }) => atMs - this.#nowMs).sort((a, b) => a - b);
  }

  /** Resolves when at least one timer is set. */
  async waitForTimer(): Promise<void> {
    while (this.#timers.size === 0) {
      await new Promise<void>((resolve) => {
        this.#timerWaiters.push(resolve);
      });
    }
  }

  /** Runs the timers that are due after `byMs`, except those that an earlier one cancelled. */
  advance(byMs: number): void {
    this.#nowMs += byMs;
    for (const timer of [...this.#timers].filter(({ atMs }) => atMs <= this.#nowMs)) {
      if (this.#timers.delete(timer)) timer.action();
    }
  }
}
