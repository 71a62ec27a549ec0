/**
 * After a take-over: holds the credit of the provider where the dead duplicator had left it, until the lossless consumers it had are back, or
 * have had time for it. Without that, what they still need would be overwritten before they can say so.
 *
 * | state    | event                             | next     |
 * | -------- | --------------------------------- | -------- |
 * | holding  | the last of the expected is back  | released |
 * | holding  | no more than those who are back live | released |
 * | holding  | `reattachMs` are over              | released |
 */
import type { Clock } from '../../protocol/clock.js';

/** Clients look for a restarted duplicator several times a second; one that is not back by then has died too. */
export const REATTACH_MS = 2_000;

export class ReattachHold {
  readonly #cancel: () => void;
  readonly #released: () => void;
  #missing: number;
  #returned = 0;
  #floor: number;

  /** `expected` consumers are waited for; `floor`: the first sequence that one of them may still need; `reattachMs`: longest wait. */
  constructor(
    expected: number,
    floor: number,
    clock: Clock,
    released: () => void,
    reattachMs: number = REATTACH_MS,
  ) {
    this.#missing = expected;
    this.#released = released;
    this.#floor = expected > 0 ? floor : Number.POSITIVE_INFINITY;
    this.#cancel = expected > 0 ? clock.after(reattachMs, () => this.#release(), true) : () => undefined;
  }

  /** The first sequence that is still needed; Infinity when nothing is held any more. */
  get floor(): number {
    return this.#floor;
  }

  /** One of the expected has come back to where it was. */
  returned(): void {
    this.#returned += 1;
    this.#missing -= 1;
    if (this.#missing <= 0) this.#release();
  }

  /** No more than so many of the expected live, those who are back included. */
  expectAtMost(consumers: number): void {
    this.#missing = Math.min(this.#missing, Math.max(0, consumers - this.#returned));
    if (this.#missing <= 0) this.#release();
  }

  stop(): void {
    this.#cancel();
  }

  #release(): void {
    this.#cancel();
    if (this.#floor === Number.POSITIVE_INFINITY) return;
    this.#floor = Number.POSITIVE_INFINITY;
    this.#released();
  }
}
