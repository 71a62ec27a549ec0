/**
 * Decides when buffers that arrived from another host are published: at once, unless others were
 * published less than TOGETHER_MS ago; then after a quarter of the sender's ring, or when no more
 * arrive. Waking consumers costs more than receiving a buffer. One per link, owned by
 * UpstreamReceiver. Pure but for the clock and the event loop's turns.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { FlowSink } from './flow-sink.js';

/** Buffers that arrive within so many milliseconds are published together. */
const TOGETHER_MS = 0.25;

export class PublicationBatch {
  readonly #clock: Clock;
  readonly #sink: FlowSink;
  readonly #flush: () => void;
  #flushedMs: number | undefined;
  /** Whether a flush waits for the end of a burst. */
  #deferred = false;
  /** Whether something arrived since the last turn of the event loop. */
  #burstContinues = false;
  #stopped = false;

  constructor(clock: Clock, sink: FlowSink, flush: () => void) {
    this.#clock = clock;
    this.#sink = sink;
    this.#flush = flush;
  }

  /** Nothing was published on this link yet. */
  get isFirst(): boolean {
    return this.#flushedMs === undefined;
  }

  /** Something arrived that is not published yet. */
  arrived(): void {
    const nowMs = this.#clock.nowMs();
    const { unseen, acknowledgeEvery } = this.#sink;
    const elapsedMs = nowMs - (this.#flushedMs ?? Number.NEGATIVE_INFINITY);
    if (unseen >= acknowledgeEvery || elapsedMs >= TOGETHER_MS) {
      this.#flushedMs = nowMs;
      this.#flush();
      return;
    }
    this.#burstContinues = true;
    if (!this.#deferred) this.#defer();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Flushes after the first turn of the event loop in which nothing more arrives. */
  #defer(): void {
    this.#deferred = true;
    this.#burstContinues = false;
    setImmediate(() => {
      this.#deferred = false;
      if (this.#stopped || this.#sink.unseen === 0) return;
      if (this.#burstContinues) this.#defer();
      else this.#flush();
    });
  }
}
