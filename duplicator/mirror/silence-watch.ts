/**
 * Reports when nothing arrives from a source for longer than a limit. One timer per request,
 * however many reads it takes: a read only clears a flag. Used by MirrorConnection. Pure but for
 * the clock, which is passed in.
 */
import type { Clock } from '../../protocol/base/clock.js';

export class SilenceWatch {
  readonly #clock: Clock;
  #cancel: (() => void) | undefined;
  #silent = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onSilent` once nothing was heard for `limitMs`. Replaces an earlier watch. */
  start(limitMs: number, onSilent: () => void): void {
    this.stop();
    this.#silent = true;
    // Timers run before reads in a turn of the event loop. Where this process itself stood still,
    // the second, immediate timer lets what has arrived meanwhile be read first.
    const check = (): void => {
      if (this.#silent) this.#after(0, () => (this.#silent ? onSilent() : this.start(limitMs, onSilent)));
      else this.start(limitMs, onSilent);
    };
    this.#after(limitMs, check);
  }

  /** Something arrived. */
  heard(): void {
    this.#silent = false;
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #after(delayMs: number, action: () => void): void {
    this.#cancel = this.#clock.after(delayMs, action);
  }
}
