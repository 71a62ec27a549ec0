/**
 * A listening TCP port that passes its connections to a service.
 *
 * `gateway.ts` opens one per service, and one for the port that the port manager assigns, which may
 * change while the service runs. With a certificate other machines are served over TLS only;
 * programs of this machine may speak either, since no line is between them.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { MirrorflowError, describeError, systemCode } from '../protocol/base/errors.js';
import type { TlsIdentity } from '../protocol/rpc/security/tls.js';
import type { UnprovenPlaces } from '../protocol/rpc/security/unproven-places.js';
import { peerOf } from './mirror-directory.js';

/** The first byte of a TLS connection: a record of the handshake. No request of SpecTcl has it. */
const TLS_FIRST_BYTE = 0x16;
/** From the connection to the end of the handshake, or to the first byte. */
const OPENING_TIMEOUT_MS = 5_000;

export interface Door {
  /** Names the service in errors. */
  readonly title: string;
  readonly host: string;
  readonly identity: TlsIdentity | undefined;
  /** Shared by all ports of a service. */
  readonly places: UnprovenPlaces;
  /** Serves a connection. */
  readonly accept: (socket: Socket) => void;
  /** Called for a connection that is closed to make room for a newer one. */
  readonly onFull: (address: string) => void;
}

export class Listener {
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /**
   * Opens a port; 0 is any free one. Throws ADDRESS_IN_USE, NOT_PERMITTED or BAD_ADDRESS with host
   * and port.
   */
  static open(door: Door, port: number): Promise<Listener> {
    const { host } = door;
    const tls = door.identity === undefined ? undefined : tlsServer(door.identity, door.accept);
    const server = createServer((socket) => receive(socket, door, tls));
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(listenError(door, port, error)));
      server.listen({ host, port }, () => {
        server.removeAllListeners('error');
        // Errors of accept(), for instance without free file descriptors: connections continue.
        server.on('error', () => undefined);
        resolve(new Listener(server));
      });
    });
  }

  /** Stops listening. Open connections belong to their service. */
  close(): void {
    this.#server.close();
  }
}

/** Does not listen: it gets its connections from `receive`. */
function tlsServer(identity: TlsIdentity, accept: (socket: Socket) => void): TlsServer {
  const options = { ...identity, minVersion: 'TLSv1.3', handshakeTimeout: OPENING_TIMEOUT_MS } as const;
  const server = createTlsServer(options, accept);
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

function receive(socket: Socket, { places, accept, onFull }: Door, tls: TlsServer | undefined): void {
  const { remoteAddress = '' } = socket;
  const release = places.take(remoteAddress, () => {
    onFull(remoteAddress);
    socket.destroy();
  });
  socket.once('close', release);
  if (tls === undefined) accept(socket);
  else if (peerOf(socket).local) acceptLocal(socket, accept, tls);
  else tls.emit('connection', socket);
}

function acceptLocal(socket: Socket, accept: (socket: Socket) => void, tls: TlsServer): void {
  const destroy = (): void => void socket.destroy();
  socket.setTimeout(OPENING_TIMEOUT_MS, destroy);
  socket.on('error', destroy);
  socket.once('data', (first: Buffer) => {
    socket.setTimeout(0);
    socket.removeListener('timeout', destroy);
    socket.pause();
    socket.unshift(first);
    if (first[0] === TLS_FIRST_BYTE) {
      tls.emit('connection', socket);
    } else {
      accept(socket);
      socket.resume();
    }
  });
}

function listenError({ title, host }: Door, port: number, error: unknown): MirrorflowError {
  const what = `${title} cannot listen on ${host} port ${port}`;
  const facts = { host, port };
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return new MirrorflowError(
        'ADDRESS_IN_USE',
        `${what}: another program uses it; choose another port`,
        facts,
        error,
      );
    case 'EACCES':
      return new MirrorflowError(
        'NOT_PERMITTED',
        `${what}: ports below 1024 need administrator rights; choose another port`,
        facts,
        error,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new MirrorflowError(
        'BAD_ADDRESS',
        `${what}: ${host} is no address of this machine`,
        facts,
        error,
      );
    default:
      return new MirrorflowError('SYSTEM_ERROR', `${what}: ${describeError(error)}`, facts, error);
  }
}
