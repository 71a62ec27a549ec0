/**
 * Finds the lossless consumers that hold a flow's writer back for longer than the stall timeout
 * without an acknowledgement. Owned by WriterCredit, which calls `check` whenever the writer stops
 * or a consumer changes. Pure: the clock and its timers are passed in; a timeout of 0 turns it off.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { Consumer } from './consumer-registry.js';

const NONE: ReadonlySet<Consumer> = new Set();

export class StallWatch {
  readonly #clock: Clock;
  readonly #blocking: () => ReadonlySet<Consumer>;
  readonly #onStalled: (consumer: Consumer) => void;
  /** The acknowledgement at which each consumer blocks the writer, and since when. */
  readonly #blockedSince = new Map<Consumer, { acknowledged: number; atMs: number }>();
  readonly #defaultTimeoutMs: number;
  #timeoutMs: number;
  #cancel: (() => void) | undefined;

  /**
   * `timeoutMs`: 0 is never; `blocking`: the consumers that hold the writer back now; `onStalled`
   * must make the consumer lossy, so that it no longer holds the writer back.
   */
  constructor(
    clock: Clock,
    timeoutMs: number,
    blocking: () => ReadonlySet<Consumer>,
    onStalled: (consumer: Consumer) => void,
  ) {
    this.#clock = clock;
    this.#defaultTimeoutMs = timeoutMs;
    this.#timeoutMs = timeoutMs;
    this.#blocking = blocking;
    this.#onStalled = onStalled;
  }

  /** Milliseconds; 0 is never. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** Time that a consumer has blocked already counts. */
  set timeoutMs(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.check();
  }

  /** Back to the timeout of the constructor. */
  resetTimeout(): void {
    this.timeoutMs = this.#defaultTimeoutMs;
  }

  /** To be called when the writer is out of credit, and when a consumer changed or left. */
  check(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const blocking = this.#timeoutMs === 0 ? NONE : this.#blocking();
    if (blocking.size === 0) {
      // `clear` allocates, and this runs for every message of every consumer.
      if (this.#blockedSince.size > 0) this.#blockedSince.clear();
      return;
    }
    const nowMs = this.#clock.nowMs();
    for (const consumer of this.#blockedSince.keys()) {
      if (!blocking.has(consumer)) this.#blockedSince.delete(consumer);
    }
    let nextMs = Number.POSITIVE_INFINITY;
    const stalled: Consumer[] = [];
    for (const consumer of blocking) {
      const since = this.#blockedSince.get(consumer);
      const atMs = since?.acknowledged === consumer.acknowledged ? since.atMs : nowMs;
      this.#blockedSince.set(consumer, { acknowledged: consumer.acknowledged, atMs });
      const leftMs = atMs + this.#timeoutMs - nowMs;
      if (leftMs <= 0) stalled.push(consumer);
      else nextMs = Math.min(nextMs, leftMs);
    }
    for (const consumer of stalled) this.#blockedSince.delete(consumer);
    if (nextMs !== Number.POSITIVE_INFINITY)
      this.#cancel = this.#clock.after(nextMs, () => this.check(), true);
    for (const consumer of stalled) this.#onStalled(consumer);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#blockedSince.clear();
  }
}
