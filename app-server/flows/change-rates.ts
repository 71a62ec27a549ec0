/**
 * Rates of what clients count: the gain since the last look, per second. Pure: it is told the time.
 */

/**
 * Looks that follow each other faster give the rates of the one before: over less time they would
 * be noise.
 */
const INTERVAL_MIN_MS = 200;

interface Look {
  readonly atMs: number;
  readonly buffers: number;
  readonly bytes: number;
}

export interface GainRates {
  readonly buffersPerSecond?: number;
  readonly bytesPerSecond?: number;
}

export class ChangeRates {
  #last: Look | undefined;
  #rates: GainRates = {};

  /** Empty at the first look, and after the counts went back. */
  look(atMs: number, buffers: number, bytes: number): GainRates {
    const last = this.#last;
    if (last !== undefined && atMs - last.atMs < INTERVAL_MIN_MS) return this.#rates;
    this.#last = { atMs, buffers, bytes };
    const isGain = last !== undefined && buffers >= last.buffers && bytes >= last.bytes;
    this.#rates = isGain
      ? {
          buffersPerSecond: ((buffers - last.buffers) * 1000) / (atMs - last.atMs),
          bytesPerSecond: ((bytes - last.bytes) * 1000) / (atMs - last.atMs),
        }
      : {};
    return this.#rates;
  }
}
