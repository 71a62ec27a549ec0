/**
 * The WebSockets of pages: how many may be open, and which of them still have a browser. Pages that
 * have not signed in have places of their own, a few per address, so that they shut out neither
 * each other nor those that have; when all are taken, a new page replaces the one that has been
 * silent longest. `PageSockets` adds each accepted WebSocket. Sends pings on a timer of the clock.
 */
import type { WebSocket } from 'ws';
import type { Clock } from '../../protocol/base/clock.js';
import { addressKey } from '../../protocol/rpc/security/peer-addresses.js';

/** Places of pages that have signed in, and of those that have not. */
const SIGNED_IN_MAX = 256;
const OTHERS_MAX = 256;
/** Places of one address, for pages that have not signed in. */
export const OTHERS_PER_ADDRESS_MAX = 64;
/** A page that was silent this long gives its place to another of its address, or of any. */
const SILENT_MS = 10_000;
/** A page that has not answered a ping by the next one is closed. */
const PING_INTERVAL_MS = 20_000;
/** WebSocket close code: try again later. */
const TRY_AGAIN_LATER = 1013;

interface Place {
  readonly socket: WebSocket;
  readonly signedIn: boolean;
  readonly address: string;
  /** Time of its last message, or of its start. */
  lastMessageMs: number;
  /** Whether the browser has answered the last ping. */
  alive: boolean;
}

export class PagePlaces {
  readonly #clock: Clock;
  readonly #places = new Set<Place>();
  #cancelPing: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#places.size;
  }

  /** Makes room for one page more; false when there is none. */
  makeRoom(signedIn: boolean, from: string | undefined): boolean {
    const alike = [...this.#places].filter((place) => place.signedIn === signedIn);
    if (signedIn) return alike.length < SIGNED_IN_MAX;
    const address = addressKey(from ?? '');
    const ofAddress = alike.filter((place) => place.address === address);
    if (ofAddress.length >= OTHERS_PER_ADDRESS_MAX) return this.#endSilent(ofAddress);
    return alike.length < OTHERS_MAX || this.#endSilent(alike);
  }

  /** Keeps a place until the WebSocket closes. */
  add(socket: WebSocket, signedIn: boolean, from: string | undefined): void {
    const nowMs = this.#clock.nowMs();
    const place = { socket, signedIn, address: addressKey(from ?? ''), lastMessageMs: nowMs, alive: true };
    this.#places.add(place);
    socket.on('message', () => (place.lastMessageMs = this.#clock.nowMs()));
    socket.on('pong', () => (place.alive = true));
    socket.once('close', () => this.#places.delete(place));
    this.#schedulePing();
  }

  /** Sends no pings any more. */
  close(): void {
    this.#cancelPing?.();
  }

  /** Ends the page that has been silent longest; false when none was silent long enough. */
  #endSilent(places: readonly Place[]): boolean {
    const [first] = places.toSorted((one, other) => one.lastMessageMs - other.lastMessageMs);
    if (first === undefined || this.#clock.nowMs() - first.lastMessageMs < SILENT_MS) return false;
    this.#places.delete(first);
    first.socket.close(TRY_AGAIN_LATER, 'another page needs the place');
    // A browser that is not there does not answer the close.
    this.#clock.after(PING_INTERVAL_MS, () => first.socket.terminate(), true);
    return true;
  }

  #schedulePing(): void {
    this.#cancelPing ??= this.#clock.after(PING_INTERVAL_MS, () => this.#ping(), true);
  }

  #ping(): void {
    this.#cancelPing = undefined;
    for (const place of this.#places) {
      if (place.alive) place.socket.ping();
      else place.socket.terminate();
      place.alive = false;
    }
    if (this.#places.size > 0) this.#schedulePing();
  }
}
