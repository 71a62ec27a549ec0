/**
 * Remembers which calls of one site have arrived, so that a call that was recorded on the line is
 * not answered again: a call counts only near its time, and its number once in that time. There is
 * one for each site, so that no site can use up the room of another. Used by `SiteCalls`
 * (site-calls.ts). Pure but for the clock.
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

  /** Whether no number would be refused because it came before. */
  get isEmpty(): boolean {
    this.#forget();
    return this.#seen.size === 0;
  }

  /** True for the first call of this number within its time. */
  accept(id: string, atMs: number): boolean {
    this.#forget();
    const nowMs = this.#nowMs();
    const isNear = Math.abs(nowMs - atMs) <= CLOCK_DIFFERENCE_MS;
    if (!isNear || this.#seen.has(id) || this.#seen.size >= SEEN_MAX) return false;
    // A call from a clock that is ahead counts until its own time is over.
    this.#seen.set(id, Math.max(nowMs, atMs));
    return true;
  }

  /** Removes numbers whose time is over. */
  #forget(): void {
    const nowMs = this.#nowMs();
    for (const [old, time] of this.#seen) {
      if (time >= nowMs - CLOCK_DIFFERENCE_MS) break;
      this.#seen.delete(old);
    }
  }
}
