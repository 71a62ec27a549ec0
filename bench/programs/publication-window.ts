/**
 * How far a publisher may be ahead of its slowest subscriber. Brokers drop what waits for a
 * subscriber that has fallen behind, or disconnect it; nothing is lost while no more is under way
 * than they keep. What is lost all the same is never acknowledged, so that the window becomes
 * smaller by it for good.
 */
export class PublicationWindow {
  readonly #subscribers: number;
  readonly #buffers: number;
  readonly #acknowledged = new Map<number, number>();
  #published = 0;
  #slowest = 0;
  #opened: (() => void) | undefined;

  /**
   * `subscribers` will acknowledge, and `buffers` may be under way to the slowest of them. Both are
   * 1 at least.
   */
  constructor(subscribers: number, buffers: number) {
    this.#subscribers = subscribers;
    this.#buffers = buffers;
  }

  /** Buffers that may be published at once. */
  get room(): number {
    return this.#slowest + this.#buffers - this.#published;
  }

  /** One was published; there must have been room. */
  add(): void {
    if (this.room <= 0) throw new Error(`${this.#buffers} buffers are unacknowledged, and no more may be`);
    this.#published += 1;
  }

  /**
   * A subscriber has received so many since it began. One that was not heard of yet has received
   * none.
   */
  acknowledge(subscriber: number, buffers: number): void {
    this.#acknowledged.set(subscriber, buffers);
    if (this.#acknowledged.size < this.#subscribers) return;
    this.#slowest = Math.min(...this.#acknowledged.values());
    if (this.room > 0) this.#opened?.();
  }

  /** Resolves when there is room. One at a time may wait. */
  async opened(): Promise<void> {
    if (this.room > 0) return;
    await new Promise<void>((resolve) => (this.#opened = resolve));
    this.#opened = undefined;
  }
}

/**
 * A subscriber acknowledges after so many: a quarter of the window, as the consumers of a flow do
 * with its ring.
 */
export function acknowledgementInterval(windowBuffers: number): number {
  return Math.max(1, Math.floor(windowBuffers / 4));
}
