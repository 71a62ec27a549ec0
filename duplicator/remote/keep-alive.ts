/**
 * Notices a link that was cut without a word: each side says something at least every SAY_MS, and a side that has heard nothing for
 * SILENCE_MS while it listened gives up. Pure: time and timers come in.
 */
import type { Clock } from '../../protocol/clock.js';

export const SAY_MS = 500;
export const SILENCE_MS = 2_000;

export interface KeepAliveHooks {
  /** Nothing was said for a while: say something. */
  say(): void;
  /** Nothing was heard for too long. */
  silent(): void;
  /** False while nothing is read on purpose: then nothing can be heard. */
  listening(): boolean;
}

export class KeepAlive {
  readonly #clock: Clock;
  readonly #hooks: KeepAliveHooks;
  #heardMs: number;
  #said = false;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, hooks: KeepAliveHooks) {
    this.#clock = clock;
    this.#hooks = hooks;
    this.#heardMs = clock.nowMs();
    this.#wait();
  }

  /** Something came. */
  heard(): void {
    this.#heardMs = this.#clock.nowMs();
  }

  /** Something was sent. */
  said(): void {
    this.#said = true;
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #wait(): void {
    this.#cancel = this.#clock.after(SAY_MS, () => this.#look(), true);
  }

  #look(): void {
    if (!this.#hooks.listening()) this.heard();
    if (this.#clock.nowMs() - this.#heardMs >= SILENCE_MS) {
      this.stop();
      this.#hooks.silent();
      return;
    }
    if (!this.#said) this.#hooks.say();
    this.#said = false;
    this.#wait();
  }
}
