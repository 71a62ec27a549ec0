/**
 * Places for connections that have proved nothing yet: a number in all, and a smaller one per
 * address (see `addressGroup`), so that one machine does not take them all. The gateway and the web
 * viewer take a place per connection. Pure.
 */
import { addressGroup } from './address-group.js';

export interface PlaceLimits {
  readonly total: number;
  readonly perAddress: number;
}

export class ConnectionPlaces {
  readonly #limits: PlaceLimits;
  /** Places taken, by address group; without entries of 0. */
  readonly #taken = new Map<string, number>();
  #total = 0;

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  /** Takes a place; returns the function that releases it (idempotent), or undefined when full. */
  take(address: string | undefined): (() => void) | undefined {
    const group = addressGroup(address);
    const ofAddress = this.#taken.get(group) ?? 0;
    if (this.#total >= this.#limits.total || ofAddress >= this.#limits.perAddress) return undefined;
    this.#taken.set(group, ofAddress + 1);
    this.#total += 1;
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.#total -= 1;
      const left = (this.#taken.get(group) ?? 1) - 1;
      if (left === 0) this.#taken.delete(group);
      else this.#taken.set(group, left);
    };
  }
}
