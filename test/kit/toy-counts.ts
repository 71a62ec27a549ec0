/**
 * Toy spectra: counts drawn from the Poisson distribution around expected counts, the same for the
 * same seed. Used by the tests of analysis. Pure.
 */
import { randomBits, type RandomBits } from '../../simulator/random.js';

/** Below it numbers are drawn and factorials computed directly, from it on by formulas. */
const FACTORIALS_TO = 10;

export class ToyCounts {
  readonly #bits: RandomBits;

  constructor(seed: number) {
    this.#bits = randomBits(seed);
  }

  /** A count for each of the expected ones. */
  around(expected: ArrayLike<number>): Float64Array {
    return Float64Array.from(expected, (mean) => this.poisson(mean));
  }

  /**
   * A count for this mean; from 10 on by the rejection method PTRS, with the names and constants of
   * W. Hörmann, Insurance: Mathematics and Economics 12 (1993) 39.
   */
  poisson(mean: number): number {
    return mean < FACTORIALS_TO ? this.#byProduct(mean) : this.#byRejection(mean);
  }

  /** Above 0 and below 1. */
  #uniform(): number {
    return (this.#bits() + 0.5) / 2 ** 32;
  }

  #byProduct(mean: number): number {
    const least = Math.exp(-mean);
    let count = 0;
    for (let product = this.#uniform(); product > least; product *= this.#uniform()) count += 1;
    return count;
  }

  #byRejection(mean: number): number {
    const b = 0.931 + 2.53 * Math.sqrt(mean);
    const a = -0.059 + 0.02483 * b;
    const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
    const accepted = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
      const u = this.#uniform() - 0.5;
      const v = this.#uniform();
      const us = 0.5 - Math.abs(u);
      const count = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
      if (us >= 0.07 && v <= accepted) return count;
      if (count < 0 || (us < 0.013 && v > us)) continue;
      const bound = Math.log((v * inverseAlpha) / (a / (us * us) + b));
      if (bound <= count * Math.log(mean) - mean - logFactorial(count)) return count;
    }
  }
}

/** By Stirling's series, exact to 1e-10 from 5 on. */
function logFactorial(count: number): number {
  if (count < FACTORIALS_TO) {
    let product = 1;
    for (let factor = 2; factor <= count; factor += 1) product *= factor;
    return Math.log(product);
  }
  const n = count + 1;
  return (n - 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * n) - 1 / (360 * n ** 3);
}

/** Mean and standard deviation of a sample. */
export function momentsOf(sample: readonly number[]): { readonly mean: number; readonly deviation: number } {
  const mean = sample.reduce((sum, value) => sum + value, 0) / sample.length;
  const square = sample.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(square / (sample.length - 1)) };
}
