/**
 * Rates of counters: what they gained since the last look, per second. Pure: it is told the time.
 */

/** Counters whose rates people look at, and the names of those. */
const RATES = {
  publishedPerSecond: 'published',
  publishedBytesPerSecond: 'publishedBytes',
  updatesPerSecond: 'updates',
  receivedBytesPerSecond: 'receivedBytes',
} as const;

/**
 * Looks that follow each other faster get the rates of the one before: over less time they would be
 * noise.
 */
const INTERVAL_MIN_MS = 200;

type Counters = Readonly<Record<(typeof RATES)[keyof typeof RATES], number>>;

export class Rates {
  #last: { readonly atMs: number; readonly counters: Counters } | undefined;
  #rates: Record<string, number> = {};

  /** Empty at the first look, and after counters went back. */
  look(nowMs: number, counters: Counters): Readonly<Record<string, number>> {
    const last = this.#last;
    if (last !== undefined && nowMs - last.atMs < INTERVAL_MIN_MS) return this.#rates;
    this.#last = { atMs: nowMs, counters: { ...counters } };
    this.#rates = {};
    if (last === undefined) return this.#rates;
    for (const [rate, counter] of Object.entries(RATES)) {
      const gained = counters[counter] - last.counters[counter];
      if (gained >= 0) this.#rates[rate] = (gained * 1000) / (nowMs - last.atMs);
    }
    return this.#rates;
  }
}
