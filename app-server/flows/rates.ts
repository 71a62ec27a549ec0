/**
 * Rates per second of ever-growing counters, from two samples of them. `flow.ts` keeps one for the
 * counters of a flow file, `calls/statistics.ts` one per opening for the counts that clients
 * report. Pure: the caller passes the time.
 */

/** Rates of a flow file's counters: name of the rate, name of its counter. */
export const FLOW_RATES = {
  publishedPerSecond: 'published',
  publishedBytesPerSecond: 'publishedBytes',
  updatesPerSecond: 'updates',
  receivedBytesPerSecond: 'receivedBytes',
} as const;

/** Rates of what a client counts for one opening. */
export const OPENING_RATES = { buffersPerSecond: 'buffers', bytesPerSecond: 'bytes' } as const;

/** Samples that follow each other faster repeat the last rates: over less time they are noise. */
const INTERVAL_MIN_MS = 200;

type RateTable = Readonly<Record<string, string>>;
type CountersOf<T extends RateTable> = Readonly<Record<T[keyof T], number>>;
type RatesOf<T extends RateTable> = { readonly [Rate in keyof T]?: number };

export class Rates<T extends RateTable> {
  readonly #table: T;
  #last: { readonly atMs: number; readonly counters: CountersOf<T> } | undefined;
  #rates: RatesOf<T> = {};

  constructor(table: T) {
    this.#table = table;
  }

  /** The rates since the last sample: none at the first one, none of a counter that went back. */
  sample(nowMs: number, counters: CountersOf<T>): RatesOf<T> {
    const last = this.#last;
    if (last !== undefined && nowMs - last.atMs < INTERVAL_MIN_MS) return this.#rates;
    this.#last = { atMs: nowMs, counters: { ...counters } };
    const rates: Record<string, number> = {};
    for (const [rate, counter] of Object.entries(this.#table) as [string, T[keyof T]][]) {
      const gain = last === undefined ? -1 : counters[counter] - last.counters[counter];
      if (last !== undefined && gain >= 0) rates[rate] = (gain * 1000) / (nowMs - last.atMs);
    }
    this.#rates = rates;
    return this.#rates;
  }
}
