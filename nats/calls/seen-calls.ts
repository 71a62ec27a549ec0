/**
 * Remembers which calls of other sites have arrived, so that a call that was recorded on the line
 * is not answered again: a call counts only near its time, and its number once in that time. Used
 * by `SiteCalls` (site-calls.ts). Pure but for the clock.
 */

/** How far the clocks of two sites may differ. */
export const CLOCK_DIFFERENCE_MS = 60_000;
/** Most calls that are remembered; further ones are refused. */
const SEEN_MAX = 65_536;

export class SeenCalls {
  readonly #nowMs: () => number;
  /** Times of calls by number, wall-clock milliseconds, oldest arrival first. */
  readonly #seen = new Map<string, number>();

  /** `nowMs`: wall-clock time. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** True for the first call of this number within its time. */
  accept(id: string, atMs: number): boolean {
    const nowMs = this.#nowMs();
    for (const [seenId, timeMs] of this.#seen) {
      if (timeMs >= nowMs - CLOCK_DIFFERENCE_MS) break;
      this.#seen.delete(seenId);
    }
    const isNear = Math.abs(nowMs - atMs) <= CLOCK_DIFFERENCE_MS;
    if (!isNear || this.#seen.has(id) || this.#seen.size >= SEEN_MAX) return false;
    // A call from a clock that is ahead counts until its own time is over.
    this.#seen.set(id, Math.max(nowMs, atMs));
    return true;
  }
}
