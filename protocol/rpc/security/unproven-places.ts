/**
 * Places for connections that have not proved anything yet: a bounded number in all, and a small
 * one for each address, so that no address can hold others out; hosts of the configuration have
 * places of their own. Used by the HTTP server and the listener of a duplicator. Pure: the owner
 * closes what must make room.
 */
import { addressKey } from './peer-addresses.js';

export interface UnprovenLimits {
  /** Places of one address, or one /64 of IPv6. */
  readonly perAddress: number;
  /** Places of all addresses together, without configured hosts. */
  readonly total: number;
  /** Places of one configured host. */
  readonly perPeer: number;
}

/** A connection that occupies a place; `drop` closes it when it must make room. */
interface Place {
  readonly drop: () => void;
}

export class UnprovenPlaces {
  readonly #limits: UnprovenLimits;
  readonly #isPeer: (address: string) => boolean;
  /** The places of each address, oldest first. */
  readonly #others = new Map<string, Set<Place>>();
  readonly #peers = new Map<string, Set<Place>>();
  #othersTaken = 0;

  constructor(limits: UnprovenLimits, isPeer: (address: string) => boolean = () => false) {
    this.#limits = limits;
    this.#isPeer = isPeer;
  }

  get taken(): number {
    return this.#othersTaken + [...this.#peers.values()].reduce((sum, places) => sum + places.size, 0);
  }

  /**
   * Takes a place; the oldest connection of the address, or of the address with most of them,
   * makes room where none is left. Returns what gives the place back, once.
   */
  take(address: string, drop: () => void): () => void {
    const key = addressKey(address);
    const isPeer = this.#isPeer(address);
    const all = isPeer ? this.#peers : this.#others;
    const own = all.get(key);
    const most = isPeer ? this.#limits.perPeer : this.#limits.perAddress;
    if (own !== undefined && own.size >= most) this.#dropOldest(all, key);
    else if (!isPeer && this.#othersTaken >= this.#limits.total) this.#dropOldest(all, largest(all));
    const place = { drop };
    const places = all.get(key) ?? new Set();
    all.set(key, places.add(place));
    if (!isPeer) this.#othersTaken += 1;
    return () => this.#giveBack(all, key, place);
  }

  #dropOldest(all: Map<string, Set<Place>>, key: string): void {
    const [oldest] = all.get(key) ?? [];
    if (oldest === undefined) return;
    this.#giveBack(all, key, oldest);
    oldest.drop();
  }

  #giveBack(all: Map<string, Set<Place>>, key: string, place: Place): void {
    const places = all.get(key);
    if (places?.delete(place) !== true) return;
    if (places.size === 0) all.delete(key);
    if (all === this.#others) this.#othersTaken -= 1;
  }
}

/** The address with most places; of several, the one that came first. */
function largest(all: ReadonlyMap<string, ReadonlySet<Place>>): string {
  let found = '';
  let most = 0;
  for (const [key, { size }] of all) {
    if (size <= most) continue;
    found = key;
    most = size;
  }
  return found;
}
