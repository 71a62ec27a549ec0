/**
 * Counts of spectra at moments that pages have asked to remember, so that they can show what came
 * in since. `AppWatch` owns one for its application; pages share it. Keeps counts in memory, within
 * a bound; no I/O.
 */
import type { Values } from '../wire/frame.js';

interface Moment {
  readonly spectrum: string;
  /** Time of the publication, milliseconds since 1970. */
  readonly atMs: number;
  readonly counts: Values;
}

/** Most moments of one spectrum; the oldest is removed first. */
const MOMENTS_MAX = 4;
/** Most bytes of all spectra of one application. */
const BYTES_MAX = 64 * 2 ** 20;

export class RememberedMoments {
  readonly #bytesMax: number;
  #moments: Moment[] = [];

  constructor(bytesMax = BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** Keeps a copy of the counts. Returns false where they alone are more than all may be. */
  remember(spectrum: string, atMs: number, counts: Values): boolean {
    if (counts.byteLength > this.#bytesMax) return false;
    if (this.find(spectrum, atMs) !== undefined) return true;
    this.#moments.push({ spectrum, atMs, counts: counts.slice() });
    const own = this.#moments.filter((moment) => moment.spectrum === spectrum);
    if (own.length > MOMENTS_MAX) this.#moments = this.#moments.filter((moment) => moment !== own[0]);
    while (this.#bytes > this.#bytesMax) this.#moments.shift();
    return true;
  }

  find(spectrum: string, atMs: number): Values | undefined {
    return this.#moments.find((moment) => moment.spectrum === spectrum && moment.atMs === atMs)?.counts;
  }

  get #bytes(): number {
    return this.#moments.reduce((bytes, { counts }) => bytes + counts.byteLength, 0);
  }
}
