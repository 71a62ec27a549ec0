/**
 * Reports when nothing arrives from a source for longer than a limit. One timer per request,
 * however many reads it takes: a read only clears a flag. Used by MirrorConnection. Pure but for
 * the clock, which is passed in.
 */
import type { Clock } from '../../protocol/base/clock.js';

export class SilenceWatch {
  readonly #clock: Clock;
  #cancel: (() => void) | undefined;
  /** Nothing was received since the last check. */
  #isSilent = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onSilent` once nothing was received for `limitMs`. Replaces an earlier watch. */
  start(limitMs: number, onSilent: () => void): void {
    this.stop();
    this.#isSilent = true;
    // Timers run before reads in a turn of the event loop. Where this process itself stood still,
    // the second, immediate timer lets what has arrived meanwhile be read first.
    const check = (): void => {
      if (this.#isSilent) this.#after(0, () => (this.#isSilent ? onSilent() : this.start(limitMs, onSilent)));
      else this.start(limitMs, onSilent);
    };
    this.#after(limitMs, check);
  }

  /** To be called for every read. */
  received(): void {
    this.#isSilent = false;
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #after(delayMs: number, action: () => void): void {
    this.#cancel = this.#clock.after(delayMs, action);
  }
}
