/**
 * Decides when a mirror's next key frame is stored: before the last one leaves the stream, and
 * before what a joining receiver reads behind it costs several times the key frame. Used by
 * MirrorPublisher. Pure.
 */
import type { StreamBounds } from './stream-setup.js';

/** Bytes of deltas after which a key frame follows, in key frames. */
const DELTAS_PER_KEY = 4;
/** Key frames of a small mirror are not sent more often than after so many bytes of deltas. */
const DELTA_BYTES_MIN = 256 * 1024;
/** The part of the stream's bytes and age after which the key frame is repeated. */
const STREAM_SHARE = 1 / 3;
/** Longest time between two checks of a mirror that does not change, milliseconds. */
const CHECK_MS_MAX = 10_000;

export class KeySchedule {
  readonly #bounds: StreamBounds;
  #keyBytes = 0;
  #deltaBytes = 0;
  #keyMs = 0;
  #storedBytes = 0;

  constructor(bounds: StreamBounds) {
    this.#bounds = bounds;
  }

  get checkMs(): number {
    return Math.min(CHECK_MS_MAX, (this.#bounds.maxAgeMs * STREAM_SHARE) / 2);
  }

  /** Counts a stored delta. */
  addDelta(bytes: number): void {
    this.#deltaBytes += bytes;
  }

  /** Counts a stored key frame. `storedBytes`: of all flows of the stream so far. */
  addKeyFrame(bytes: number, nowMs: number, storedBytes: number): void {
    this.#keyBytes = bytes;
    this.#deltaBytes = 0;
    this.#keyMs = nowMs;
    this.#storedBytes = storedBytes;
  }

  isDue(nowMs: number, storedBytes: number): boolean {
    const { maxBytes, maxAgeMs } = this.#bounds;
    return (
      this.#deltaBytes > Math.max(DELTA_BYTES_MIN, DELTAS_PER_KEY * this.#keyBytes) ||
      storedBytes - this.#storedBytes > maxBytes * STREAM_SHARE ||
      nowMs - this.#keyMs > maxAgeMs * STREAM_SHARE
    );
  }
}
