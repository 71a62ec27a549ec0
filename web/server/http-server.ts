/**
 * The HTTP server under the web viewer, over TCP or TLS: the listening socket, short limits for
 * connections that have not signed in, and refused upgrades that end with their answer. `WebServer`
 * creates the only one and sets its listeners. Opens and closes the sockets.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { describeError, MirrorflowError, systemCode } from '../../protocol/base/errors.js';
import { UnprovenPlaces } from '../../protocol/rpc/security/unproven-places.js';
import type { ListeningOptions } from './listening-options.js';

const REQUEST_TIMEOUT_MS = 10_000;
const HANDSHAKE_TIMEOUT_MS = 5_000;
/** How often the time limits of connections are checked. */
const CHECK_INTERVAL_MS = 2_000;
/** Connections that have not signed in; those of pages that are open are not counted. */
const PLACES = { total: 512, perAddress: 128, perPeer: 0 };

export class HttpServer {
  readonly server: Server;
  readonly #options: ListeningOptions;
  readonly #places = new UnprovenPlaces(PLACES);
  /** Functions that release the place of a connection, by its other end. */
  readonly #releases = new Map<string, () => void>();

  /** `onFull` is called with the address of a connection that was closed to make room. */
  constructor(options: ListeningOptions, onFull: (address: string) => void) {
    this.#options = options;
    const { identity } = options;
    const limits = {
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    };
    this.server =
      identity === undefined || !this.usesTls
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

  get usesTls(): boolean {
    return this.#options.listen.scheme === 'tls';
  }

  /** 0 until it listens. */
  get port(): number {
    const bound = this.server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : 0;
  }

  /** As `http://127.0.0.1:7391/`. */
  get address(): string {
    const { host } = this.#options.listen;
    const scheme = this.usesTls ? 'https' : 'http';
    return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${this.port}/`;
  }

  /** Throws ADDRESS_IN_USE, or SYSTEM_ERROR. */
  async listen(): Promise<void> {
    const { listen, orAnyPort } = this.#options;
    const { host, port } = listen;
    try {
      await listenOn(this.server, host, port);
    } catch (error) {
      const inUse = systemCode(error) === 'EADDRINUSE';
      if (inUse && orAnyPort && port !== 0) return listenOn(this.server, host, 0);
      throw new MirrorflowError(
        inUse ? 'ADDRESS_IN_USE' : 'SYSTEM_ERROR',
        `the web viewer cannot listen on ${host}:${port}: ${describeError(error)}`,
        { host, port },
        error,
      );
    }
  }

  /** Closes all connections. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    return closed;
  }

  /** The sender of the request has signed in, or has a place as a page: its connection is free. */
  releasePlace({ socket }: IncomingMessage): void {
    this.#releases.get(otherEnd(socket))?.();
  }
}

/** Resolves when the server listens; rejects with the system's error. */
function listenOn(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
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
