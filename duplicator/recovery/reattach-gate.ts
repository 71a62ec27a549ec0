/**
 * After a take-over: holds the credit of the provider where the dead duplicator had left it, until
 * the lossless consumers it had are back, or have had time for it. Without that, what they still
 * need would be overwritten before they can say so.
 *
 * | state    | event                             | next     |
 * | -------- | --------------------------------- | -------- |
 * | holding  | the last of the expected is back  | released |
 * | holding  | one who was back has gone again   | holding: it is awaited once more |
 * | holding  | no more than those who are back live | released |
 * | holding  | postpone()                         | holding: `reattachMs` begin anew |
 * | holding  | `reattachMs` are over              | released |
 */
import type { Clock } from '../../protocol/base/clock.js';

/**
 * Clients look for a restarted duplicator several times a second; one that is not back by then has
 * died too.
 */
export const REATTACH_MS = 2_000;

export class ReattachGate {
  #cancel: () => void = () => undefined;
  readonly #giveUp: () => () => void;
  readonly #released: () => void;
  /** So many of the consumers of the dead duplicator live, and so many of them are back. */
  #expected: number;
  #back = 0;
  #floor: number;

  /**
   * `expected` consumers are waited for; `floor`: the first sequence that one of them may still
   * need; `reattachMs`: longest wait.
   */
  constructor(
    expected: number,
    floor: number,
    clock: Clock,
    released: () => void,
    reattachMs: number = REATTACH_MS,
  ) {
    this.#expected = expected;
    this.#released = released;
    this.#floor = expected > 0 ? floor : Number.POSITIVE_INFINITY;
    this.#giveUp = () => clock.after(reattachMs, () => this.#release(), true);
    if (expected > 0) this.#cancel = this.#giveUp();
  }

  /** The first sequence that is still needed; Infinity when nothing is held any more. */
  get floor(): number {
    return this.#floor;
  }

  /** How many are still awaited. */
  get missing(): number {
    return this.#floor === Number.POSITIVE_INFINITY ? 0 : this.#expected - this.#back;
  }

  /** One of the expected has come back to where it was. */
  returned(): void {
    this.#back += 1;
    this.#look();
  }

  /**
   * One that had come back has gone again, maybe to come once more: it must not count twice, in the
   * place of one who was not back yet.
   */
  left(): void {
    this.#back -= 1;
  }

  /** One that had come back has died. */
  died(): void {
    this.#back -= 1;
    this.#expected -= 1;
  }

  /** No more than so many of the expected live, those who are back included. */
  expectAtMost(consumers: number): void {
    this.#expected = Math.min(this.#expected, consumers);
    this.#look();
  }

  /** No more than so many of those who are not back yet may still come. */
  missAtMost(consumers: number): void {
    this.expectAtMost(this.#back + consumers);
  }

  /** Nobody can be expected to have come so far: the longest wait begins anew. */
  postpone(): void {
    if (this.missing === 0) return;
    this.#cancel();
    this.#cancel = this.#giveUp();
  }

  stop(): void {
    this.#cancel();
  }

  #look(): void {
    if (this.#back >= this.#expected) this.#release();
  }

  #release(): void {
    this.#cancel();
    if (this.#floor === Number.POSITIVE_INFINITY) return;
    this.#floor = Number.POSITIVE_INFINITY;
    this.#released();
  }
}
