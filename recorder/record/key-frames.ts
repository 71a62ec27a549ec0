/**
 * When the recorder of a mirror writes a key frame instead of a delta. A reader that opens a moment
 * applies all deltas since the last key frame, so their number, age and bytes are limited: a moment
 * opens in less than a second. Used by the recorder of mirrors. Pure.
 */

/** Longest time between two key frames of a file. */
const KEY_INTERVAL_MS = 15 * 60_000;
/** Most deltas between two key frames. */
export const DELTAS_MAX = 180;
/** Bytes of changed blocks between two key frames, which a reader inflates and applies. */
export const BLOCK_BYTES_MAX = 192 * 2 ** 20;
/** Least bytes between two key frames of a large memory, in key frames: keeps files small. */
const MEMORIES_MIN = 4;

export class KeyFrames {
  #keyMs = -Infinity;
  #deltas = 0;
  #blockBytes = 0;

  /** Whether the next message is to be a key frame; `memoryBytes` are those of the publication. */
  isDue(nowMs: number, memoryBytes: number): boolean {
    return (
      this.#deltas >= DELTAS_MAX ||
      nowMs - this.#keyMs >= KEY_INTERVAL_MS ||
      this.#blockBytes >= Math.max(BLOCK_BYTES_MAX, MEMORIES_MIN * memoryBytes)
    );
  }

  keyRecorded(nowMs: number): void {
    this.#keyMs = nowMs;
    this.#deltas = 0;
    this.#blockBytes = 0;
  }

  /** `blockBytes`: of the blocks that the delta has, not deflated. */
  deltaRecorded(blockBytes: number): void {
    this.#deltas += 1;
    this.#blockBytes += blockBytes;
  }
}
