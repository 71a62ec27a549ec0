/**
 * Which lossless consumers hold the writer back for too long: told who holds it now and when one
 * acknowledges, it says who has stalled. Time and timers are passed in. Off while the timeout is 0.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { Consumer } from './consumer-registry.js';

export class StallWatch {
  readonly #clock: Clock;
  readonly #holding: () => Iterable<Consumer>;
  readonly #stalled: (consumer: Consumer) => void;
  /** Since when each holds the writer back without an acknowledgement. */
  readonly #since = new Map<Consumer, { acknowledged: number; atMs: number }>();
  #timeoutMs: number;
  #cancel: (() => void) | undefined;

  /** `stalled` makes the consumer lossy, so that it holds nobody back any more. */
  constructor(
    clock: Clock,
    timeoutMs: number,
    holding: () => Iterable<Consumer>,
    stalled: (consumer: Consumer) => void,
  ) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#holding = holding;
    this.#stalled = stalled;
  }

  /** Milliseconds; 0 is never. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** What has been waited already counts. */
  set timeoutMs(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.look();
  }

  /**
   * The writer has come to the end of its credit, or a consumer has acknowledged, changed or gone.
   */
  look(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#timeoutMs === 0) {
      this.#since.clear();
      return;
    }
    const nowMs = this.#clock.nowMs();
    const holding = new Set(this.#holding());
    for (const consumer of this.#since.keys()) if (!holding.has(consumer)) this.#since.delete(consumer);
    let nextMs = Number.POSITIVE_INFINITY;
    const stalled: Consumer[] = [];
    for (const consumer of holding) {
      const known = this.#since.get(consumer);
      const atMs = known?.acknowledged === consumer.acknowledged ? known.atMs : nowMs;
      this.#since.set(consumer, { acknowledged: consumer.acknowledged, atMs });
      const leftMs = atMs + this.#timeoutMs - nowMs;
      if (leftMs <= 0) stalled.push(consumer);
      else nextMs = Math.min(nextMs, leftMs);
    }
    for (const consumer of stalled) this.#since.delete(consumer);
    if (nextMs !== Number.POSITIVE_INFINITY)
      this.#cancel = this.#clock.after(nextMs, () => this.look(), true);
    for (const consumer of stalled) this.#stalled(consumer);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#since.clear();
  }
}
