/**
 * The HTTP server under the web viewer, over TCP or TLS: short limits for connections that have not
 * signed in, and refused upgrades that end with their answer. `WebServer` creates the only one.
 * Opens no socket itself.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TlsIdentity } from '../../protocol/rpc/security/tls.js';
import { UnprovenPlaces } from '../../protocol/rpc/security/unproven-places.js';

const REQUEST_TIMEOUT_MS = 10_000;
const HANDSHAKE_TIMEOUT_MS = 5_000;
/** How often the time limits of connections are checked. */
const CHECK_INTERVAL_MS = 2_000;
/** Connections that have not signed in; those of pages that are open are not counted. */
const PLACES = { total: 512, perAddress: 128, perPeer: 0 };

export class HttpServer {
  readonly server: Server;
  readonly #places = new UnprovenPlaces(PLACES);
  /** Functions that release the place of a connection, by its other end. */
  readonly #releases = new Map<string, () => void>();

  /** `onFull` is called with the address of a connection that was closed to make room. */
  constructor(identity: TlsIdentity | undefined, onFull: (address: string) => void) {
    const limits = {
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    };
    this.server =
      identity === undefined
        ? createServer(limits)
        : createTlsServer({
            ...limits,
            ...identity,
            minVersion: 'TLSv1.3',
            handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
          });
    this.server.on('connection', (socket) => {
      const { remoteAddress = '' } = socket;
      const id = otherEnd(socket);
      const release = this.#places.take(remoteAddress, () => {
        onFull(remoteAddress);
        socket.destroy();
      });
      this.#releases.set(id, release);
      socket.once('close', () => {
        release();
        this.#releases.delete(id);
      });
    });
    // Without a listener a failed handshake is destroyed as well; the error is not worth a line.
    this.server.on('tlsClientError', (_error, socket: Socket) => socket.destroy());
  }

  /** The sender of the request has signed in, or has a place as a page: its connection is free. */
  releasePlace({ socket }: IncomingMessage): void {
    this.#releases.get(otherEnd(socket))?.();
  }
}

/** Address and port, which the TLS socket and the TCP socket of a connection have in common. */
function otherEnd({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Answers an upgrade with a status and closes the connection, whatever the other end does. */
export function refuseUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
  // An answer that is not taken ends the connection too.
  setTimeout(() => socket.destroy(), HANDSHAKE_TIMEOUT_MS).unref();
}
