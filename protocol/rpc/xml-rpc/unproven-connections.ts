/**
 * The connections of a port that have not proved anything yet: each has a place, which is bounded
 * by address (protocol/rpc/security/unproven-places.ts), and a time limit until it proves itself
 * with a token or a proof. The HTTP server asks it for every connection, before TLS and before the
 * first byte. Closes sockets.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.js';
import { isLoopback } from '../security/listening.js';
import { plainAddress } from '../security/peer-addresses.js';
import { UnprovenPlaces, type UnprovenLimits } from '../security/unproven-places.js';

export interface UnprovenConnectionLimits extends UnprovenLimits {
  /** Places of this machine's own programs, which all have the same address. */
  readonly perLoopback: number;
  /** From the connection to its proof. */
  readonly proofMs: number;
}

export const UNPROVEN_CONNECTION_LIMITS: UnprovenConnectionLimits = {
  perAddress: 16,
  perLoopback: 128,
  perPeer: 32,
  total: 128,
  proofMs: 5_000,
};

export class UnprovenConnections {
  readonly #limits: UnprovenConnectionLimits;
  readonly #clock: Clock;
  readonly #places: UnprovenPlaces;
  /** Places of callers on this machine, which other machines cannot take. */
  readonly #loopback: UnprovenPlaces;
  /** By remote address and port; `forget` gives the place back. */
  readonly #connections = new Map<string, { readonly socket: Socket; readonly forget: () => void }>();

  /** `isPeer`: whether an address is one of a configured host. */
  constructor(
    limits: UnprovenConnectionLimits,
    clock: Clock,
    isPeer: (address: string) => boolean = () => false,
  ) {
    this.#limits = limits;
    this.#clock = clock;
    this.#places = new UnprovenPlaces(limits, isPeer);
    const { perLoopback } = limits;
    this.#loopback = new UnprovenPlaces({ ...limits, perAddress: perLoopback, total: perLoopback });
  }

  get count(): number {
    return this.#connections.size;
  }

  /** A new connection, as TCP accepted it; one over a Unix socket needs no place. */
  add(socket: Socket): void {
    if (socket.remoteAddress === undefined) return;
    const name = nameOf(socket);
    const address = plainAddress(socket.remoteAddress);
    const places = isLoopback(address) ? this.#loopback : this.#places;
    const giveBack = places.take(address, () => socket.destroy());
    const cancel = this.#clock.after(this.#limits.proofMs, () => socket.destroy(), true);
    const forget = (): void => {
      cancel();
      giveBack();
      socket.off('close', forget);
      this.#connections.delete(name);
    };
    this.#connections.set(name, { socket, forget });
    socket.once('close', forget);
  }

  /** Closes all of them. */
  close(): void {
    for (const { socket } of this.#connections.values()) socket.destroy();
  }

  /** The caller on this connection has proved itself. `socket`: of TCP, or of TLS on top of it. */
  proved(socket: Socket): void {
    this.#connections.get(nameOf(socket))?.forget();
  }
}

/** A name of the connection that is equal for a TLS socket and the TCP socket below it. */
function nameOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
