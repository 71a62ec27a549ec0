/**
 * Notices a link that was cut without a word: each side says something at least every SAY_MS, and a
 * side that has heard nothing for SILENCE_MS while it listened gives up. Pure: time and timers come
 * in.
 */
import type { Clock } from '../../protocol/base/clock.js';

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
  /** Since the last look: a flag, since it is set for every read. */
  #heard = false;
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
    this.#heard = true;
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
    const nowMs = this.#clock.nowMs();
    if (this.#heard || !this.#hooks.listening()) this.#heardMs = nowMs;
    this.#heard = false;
    if (nowMs - this.#heardMs >= SILENCE_MS) {
      this.stop();
      this.#hooks.silent();
      return;
    }
    if (!this.#said) this.#hooks.say();
    this.#said = false;
    this.#wait();
  }
}
