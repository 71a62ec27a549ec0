/**
 * Pseudo-random numbers that repeat with their seed, and draws from a given distribution in
 * constant time. Used for the simulator's events, by tests and benchmarks. Pure.
 */

/** Returns 32 uniformly distributed bits, as an integer from 0 to 2^32 - 1. */
export type RandomBits = () => number;

/** xorshift128 (Marsaglia, "Xorshift RNGs", 2003); splitmix32 fills its state from `seed`. */
export function randomBits(seed: number): RandomBits {
  let mix = seed >>> 0;
  const next = (): number => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) | 0;
  };
  let [x, y, z, w] = [next(), next(), next(), next() | 1];
  return () => {
    const t = x ^ (x << 11);
    x = y;
    y = z;
    z = w;
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
    return w >>> 0;
  };
}

/**
 * Draws channel numbers with given weights by the alias method (Walker 1977, tables after Vose
 * 1991): two lookups per draw for any number of channels.
 */
export class ChannelTable {
  readonly #threshold: Float64Array;
  readonly #alias: Uint32Array;

  /** `weights`: at least one, none negative, not all zero; they need not be normalized. */
  constructor(weights: Float64Array) {
    const count = weights.length;
    const scale = count / weights.reduce((sum, weight) => sum + weight, 0);
    const threshold = weights.map((weight) => weight * scale);
    const alias = new Uint32Array(count);
    const small: number[] = [];
    const large: number[] = [];
    threshold.forEach((value, channel) => (value < 1 ? small : large).push(channel));
    while (small.length > 0 && large.length > 0) {
      const low = small.pop() ?? 0;
      const high = large.at(-1) ?? 0;
      alias[low] = high;
      const remainder = (threshold[high] ?? 0) - (1 - (threshold[low] ?? 0));
      threshold[high] = remainder;
      if (remainder < 1) {
        large.pop();
        small.push(high);
      }
    }
    // The remaining thresholds differ from 1 only by rounding.
    for (const channel of [...small, ...large]) threshold[channel] = 1;
    this.#threshold = threshold;
    this.#alias = alias;
  }

  /** A channel number. */
  draw(random: RandomBits): number {
    const at = (random() / 2 ** 32) * this.#threshold.length;
    const channel = Math.floor(at);
    return at - channel < (this.#threshold[channel] ?? 1) ? channel : (this.#alias[channel] ?? 0);
  }
}
