/**
 * How far a publisher may be ahead of its slowest subscriber; `broker-publisher` sends by it.
 * Brokers drop messages of a slow subscriber or disconnect it, so no more may be in flight than
 * they keep. A message that is lost all the same is never acknowledged: it narrows the window for
 * good. Pure.
 */
export class PublicationWindow {
  readonly #subscribers: number;
  readonly #buffers: number;
  /** Buffers that each subscriber has acknowledged, and the fewest of them. */
  readonly #acknowledged = new Map<number, number>();
  #slowest = 0;
  #published = 0;
  #notifyRoom: (() => void) | undefined;

  /**
   * `subscribers` is the number of subscribers that acknowledge; `buffers` may be in flight to the
   * slowest of them. Both are at least 1.
   */
  constructor(subscribers: number, buffers: number) {
    this.#subscribers = subscribers;
    this.#buffers = buffers;
  }

  /** Buffers that may be published at once. */
  get room(): number {
    return this.#slowest + this.#buffers - this.#published;
  }

  /** Counts a published buffer. Throws when the window has no room. */
  add(): void {
    if (this.room <= 0)
      throw new Error(`${this.#buffers} buffers are unacknowledged: wait for room before publishing`);
    this.#published += 1;
  }

  /**
   * Records that a subscriber has received `buffers` in total. The window does not move before
   * every subscriber has acknowledged once.
   */
  acknowledge(subscriber: number, buffers: number): void {
    this.#acknowledged.set(subscriber, buffers);
    if (this.#acknowledged.size < this.#subscribers) return;
    this.#slowest = Math.min(...this.#acknowledged.values());
    if (this.room > 0) this.#notifyRoom?.();
  }

  /** Resolves when there is room. Only one caller may wait at a time. */
  async waitForRoom(): Promise<void> {
    if (this.room > 0) return;
    await new Promise<void>((resolve) => (this.#notifyRoom = resolve));
    this.#notifyRoom = undefined;
  }
}

/**
 * Buffers after which a subscriber acknowledges: a quarter of the window, as the consumers of a
 * flow acknowledge a quarter of its ring.
 */
export function acknowledgementInterval(windowBuffers: number): number {
  return Math.max(1, Math.floor(windowBuffers / 4));
}
