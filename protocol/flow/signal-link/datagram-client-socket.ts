/**
 * The socket of a client for datagram links: one for each directory, however many links it has
 * there. Used by datagram-link.ts. Opens sockets, and creates and removes their files.
 *
 * The file stands beside the server's: "client." and 16 hexadecimal digits. When another program
 * removes it, servers cannot answer any more: all links of the socket end, and their users connect
 * again.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { Clock } from '../../base/clock.js';
import { MirrorflowError } from '../../base/errors.js';
import {
  DATAGRAM_HEADER_BYTES,
  DatagramConnection,
  KEEPALIVE_INTERVAL_MS,
  linkNumberOf,
} from './datagram-connection.js';
import type { LinkConnection, LinkConnectOptions } from './link.js';
import { checkSocketPath } from './socket-path.js';
import { UnixDatagramSocket } from './unix-datagram.js';

const NAME_BYTES = 8;
const CLIENT_NAME = /^client\.[0-9a-f]{16}$/;
const EMPTY = Buffer.alloc(0);

/** Whether a file of this name may be a client's socket. */
export function isClientName(name: string): boolean {
  return CLIENT_NAME.test(name);
}

/** The client sockets of a program. */
export class DatagramClientSockets {
  readonly #clock: Clock;
  readonly #sockets = new Map<string, DatagramClientSocket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws as `LinkTransport.connect`. */
  connect(path: string, options: LinkConnectOptions = {}): LinkConnection {
    checkSocketPath(path);
    if (options.signal?.aborted === true) {
      throw new MirrorflowError('CLOSED', `connecting to the socket ${path} was aborted`, { path });
    }
    const directory = dirname(path);
    let socket = this.#sockets.get(directory);
    if (socket === undefined || !socket.usable) {
      const opened = new DatagramClientSocket(directory, this.#clock, () => {
        if (this.#sockets.get(directory) === opened) this.#sockets.delete(directory);
      });
      this.#sockets.set(directory, opened);
      socket = opened;
    }
    return socket.connect(path);
  }
}

class DatagramClientSocket {
  readonly #clock: Clock;
  readonly #path: string;
  readonly #socket: UnixDatagramSocket;
  readonly #stopTicking: () => void;
  readonly #onClosed: () => void;
  readonly #links = new Map<number, { readonly connection: DatagramConnection; readonly server: string }>();
  #lastNumber = 0;

  /** `onClosed`: called when the last link has ended. Throws what binding throws. */
  constructor(directory: string, clock: Clock, onClosed: () => void) {
    this.#clock = clock;
    this.#onClosed = onClosed;
    this.#path = join(directory, `client.${randomBytes(NAME_BYTES).toString('hex')}`);
    this.#socket = new UnixDatagramSocket((bytes, from) => this.#receive(bytes, from));
    try {
      this.#socket.bind(this.#path);
    } catch (error) {
      this.#socket.close();
      throw unreachable(directory, this.#socket.failure, error);
    }
    this.#stopTicking = everyKeepalive(clock, () => this.#keepAlive());
  }

  /** Whether servers can answer: false when another program has removed the socket's file. */
  get usable(): boolean {
    return existsSync(this.#path);
  }

  /** Throws NOT_RUNNING when no process has the server's socket open, NOT_PERMITTED. */
  connect(server: string): LinkConnection {
    const outcome = this.#socket.send(EMPTY, 0, server);
    if (outcome === 'unreachable' || outcome === 'failed') {
      const { failure } = this.#socket;
      this.#closeIfUnused();
      throw unreachable(server, failure);
    }
    const number = (this.#lastNumber += 1);
    const connection = new DatagramConnection(
      number,
      {
        send: (bytes, length) => this.#socket.send(bytes, length, server),
        failure: () => this.#socket.failure,
        release: () => {
          this.#links.delete(number);
          this.#closeIfUnused();
        },
      },
      this.#clock,
    );
    this.#links.set(number, { connection, server });
    return connection;
  }

  #receive(bytes: Buffer, from: string | undefined): void {
    const number = linkNumberOf(bytes);
    const link = number === undefined ? undefined : this.#links.get(number);
    // Other processes of this user can write to this socket too.
    if (link === undefined || link.server !== from) return;
    link.connection.receive(bytes.subarray(DATAGRAM_HEADER_BYTES));
  }

  #keepAlive(): void {
    const removed = !this.usable;
    for (const { connection } of this.#links.values()) {
      if (removed) connection.destroy(unreachable(this.#path, 'another program has removed it'));
      else connection.keepAlive();
    }
  }

  #closeIfUnused(): void {
    if (this.#links.size > 0) return;
    this.#stopTicking();
    this.#socket.close();
    this.#onClosed();
  }
}

/** Runs `action` every KEEPALIVE_INTERVAL_MS until the returned function is called. */
export function everyKeepalive(clock: Clock, action: () => void): () => void {
  let stopped = false;
  let cancel = clock.after(KEEPALIVE_INTERVAL_MS, tick);
  function tick(): void {
    action();
    if (!stopped) cancel = clock.after(KEEPALIVE_INTERVAL_MS, tick);
  }
  return () => {
    stopped = true;
    cancel();
  };
}

function unreachable(path: string, failure: string, cause?: unknown): MirrorflowError {
  const code =
    failure === 'EACCES' || failure === 'EPERM'
      ? 'NOT_PERMITTED'
      : failure === 'ENOENT' || failure === 'ECONNREFUSED'
        ? 'NOT_RUNNING'
        : 'TRANSPORT_ERROR';
  return new MirrorflowError(code, `no datagram link over ${path}: ${failure}`, { path, failure }, cause);
}
