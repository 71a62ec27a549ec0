/**
 * Decides which changes of the page belong to one step of its history: turns of a wheel and
 * repeated keys do while they follow each other closely. Used by the page's history and by the zoom
 * steps of a plot, each with its own. The time comes in as a parameter.
 */

/** Changes of one key this close together are one step. */
const BURST_GAP_MS = 1_000;

export class StepBurst {
  #key: string | undefined;
  #lastMs = 0;

  /** `key`: undefined for a change that is a step of its own. Returns whether a step continues. */
  continues(key: string | undefined, nowMs: number): boolean {
    const continued = key !== undefined && key === this.#key && nowMs - this.#lastMs < BURST_GAP_MS;
    this.#key = key;
    this.#lastMs = nowMs;
    return continued;
  }
}
