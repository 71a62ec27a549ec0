/**
 * Rates of counters: by how much a counter grew between two samples, per second. Used for the
 * statistics of flows and clients in the app server, the console, the web server and the
 * benchmarks. Pure: the caller supplies the time.
 */

/** The values of some counters at one moment. */
export interface CounterSample {
  /** Milliseconds of a monotonic clock. */
  readonly atMs: number;
  readonly counters: Readonly<Record<string, number>>;
}

/** Samples closer than this would give noisy rates. */
const SAMPLE_INTERVAL_MIN_MS = 200;

export function perSecond(gain: number, elapsedMs: number): number {
  return (gain * 1000) / elapsedMs;
}

/**
 * The growth per second of each counter by its name. A counter that is missing in one sample or
 * became smaller (its process was restarted) has no rate; no counter has one if no time has passed.
 */
export function ratesBetween(before: CounterSample, after: CounterSample): Record<string, number> {
  const rates: Record<string, number> = {};
  const elapsedMs = after.atMs - before.atMs;
  if (elapsedMs <= 0) return rates;
  for (const [name, value] of Object.entries(after.counters)) {
    const earlier = Object.hasOwn(before.counters, name) ? before.counters[name] : undefined;
    if (earlier !== undefined && value >= earlier) rates[name] = perSecond(value - earlier, elapsedMs);
  }
  return rates;
}

/** Keeps the last sample of some counters and returns their rates since then. */
export class RateMeter {
  #last: CounterSample | undefined;
  #rates: Readonly<Record<string, number>> = {};

  /**
   * The rates by counter name since the previous sample; empty for the first one. A sample taken
   * less than 200 ms after the previous one is ignored and returns the same rates again.
   */
  sample(atMs: number, counters: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
    const last = this.#last;
    if (last !== undefined && atMs - last.atMs < SAMPLE_INTERVAL_MIN_MS) return this.#rates;
    this.#last = { atMs, counters: { ...counters } };
    this.#rates = last === undefined ? {} : ratesBetween(last, this.#last);
    return this.#rates;
  }
}
