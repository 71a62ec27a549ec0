/**
 * The gate that keeps the provider's credit where a dead duplicator left it, after a take-over of
 * its flow file. It opens when the lossless consumers of the dead duplicator have reattached, or
 * have had time to. Without it the provider would overwrite buffers that these consumers have not
 * read. Used by ReattachmentTracker. Pure: the clock and its timer are passed in.
 *
 * | state    | event                                            | next                            |
 * | -------- | ------------------------------------------------ | ------------------------------- |
 * | closed   | the last expected consumer reattaches            | open                            |
 * | closed   | a reattached consumer disconnects                | closed: it is expected again    |
 * | closed   | no more consumers live than have reattached      | open                            |
 * | closed   | postpone()                                       | closed: `reattachMs` start over |
 * | closed   | `reattachMs` have passed                         | open                            |
 */
import type { Clock } from '../../protocol/base/clock.js';

/**
 * Default of the longest wait, milliseconds. A client tries to reach a restarted duplicator several
 * times a second: one that has not reattached by then is dead.
 */
export const REATTACH_MS = 2_000;

export class ReattachGate {
  #cancel: () => void = () => undefined;
  readonly #startTimer: () => () => void;
  readonly #onOpen: () => void;
  /** Living consumers of the dead duplicator, and how many of them have reattached. */
  #living: number;
  #reattached = 0;
  /** The first sequence that may still be needed; Infinity when the gate is open. */
  #floor: number;

  /**
   * `expected`: consumers to wait for; `floor`: the first sequence that one of them may still need;
   * `reattachMs`: longest wait, milliseconds.
   */
  constructor(
    expected: number,
    floor: number,
    clock: Clock,
    onOpen: () => void,
    reattachMs: number = REATTACH_MS,
  ) {
    this.#living = expected;
    this.#onOpen = onOpen;
    this.#floor = expected > 0 ? floor : Number.POSITIVE_INFINITY;
    this.#startTimer = () => clock.after(reattachMs, () => this.#open(), true);
    if (expected > 0) this.#cancel = this.#startTimer();
  }

  /** The first sequence that may still be needed; Infinity when the gate is open. */
  get floor(): number {
    return this.#floor;
  }

  /** Number of consumers that are still expected. */
  get expected(): number {
    return this.#floor === Number.POSITIVE_INFINITY ? 0 : this.#living - this.#reattached;
  }

  /** One of the expected consumers has reattached. */
  reattached(): void {
    this.#reattached += 1;
    this.#openIfComplete();
  }

  /**
   * A reattached consumer disconnected and may reattach: it must not count twice, in the place of
   * another that has not reattached yet.
   */
  detached(): void {
    this.#reattached -= 1;
  }

  /** A reattached consumer died. */
  died(): void {
    this.#reattached -= 1;
    this.#living -= 1;
  }

  /** At most so many of the dead duplicator's consumers live, reattached ones included. */
  livingAtMost(consumers: number): void {
    this.#living = Math.min(this.#living, consumers);
    this.#openIfComplete();
  }

  /** At most so many consumers may still reattach. */
  expectAtMost(consumers: number): void {
    this.livingAtMost(this.#reattached + consumers);
  }

  /** The expected consumers had no chance to reattach so far: the longest wait starts over. */
  postpone(): void {
    if (this.expected === 0) return;
    this.#cancel();
    this.#cancel = this.#startTimer();
  }

  stop(): void {
    this.#cancel();
  }

  #openIfComplete(): void {
    if (this.#reattached >= this.#living) this.#open();
  }

  #open(): void {
    this.#cancel();
    if (this.#floor === Number.POSITIVE_INFINITY) return;
    this.#floor = Number.POSITIVE_INFINITY;
    this.#onOpen();
  }
}
