/**
 * The rate of a growing sum of counts, measured at successive times. `TrendSampler` has one per
 * trend. Pure: times come in as parameters.
 *
 * A source publishes only when counts have changed, so no publication for a while is a rate of
 * zero; for a short while the rate stays: the next publication covers that time.
 */

export interface CountSample {
  readonly sum: number;
  /** When the counts were published, milliseconds since 1970. */
  readonly publishedMs: number;
  /** When they were read. */
  readonly nowMs: number;
}

/** Without a publication for so long the rate is zero: longer than any usual update interval. */
const ZERO_AFTER_MS = 5_000;

export class RateMeter {
  #sum: number | undefined;
  #publishedMs = 0;
  /** When this publication was read first. Its own time may be of another host's clock. */
  #readMs = 0;
  #rate: number | undefined;

  /**
   * Counts per second, between the last two publications; undefined when there is nothing to
   * compare.
   */
  measure(sample: CountSample): number | undefined {
    const before = this.#sum;
    if (before === undefined || sample.sum < before) return this.#set(sample, undefined);
    const spanMs = sample.publishedMs - this.#publishedMs;
    if (spanMs === 0) return sample.nowMs - this.#readMs < ZERO_AFTER_MS ? this.#rate : 0;
    // The source's clock was set back.
    if (spanMs < 0) return this.#set(sample, undefined);
    // What was reported as zero before is not covered again.
    return this.#set(sample, ((sample.sum - before) * 1_000) / Math.min(spanMs, ZERO_AFTER_MS));
  }

  /** Forgets the last sum: after a time without data the next difference has no known span. */
  reset(): void {
    this.#sum = undefined;
  }

  #set({ sum, publishedMs, nowMs }: CountSample, rate: number | undefined): number | undefined {
    this.#sum = sum;
    this.#publishedMs = publishedMs;
    this.#readMs = nowMs;
    this.#rate = rate;
    return rate;
  }
}
