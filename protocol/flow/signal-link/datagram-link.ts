/**
 * The signal link over Unix datagrams: one socket for all clients of a server. Used by programs
 * that choose it, in their main thread and as the server's user; all others use stream-link.ts.
 * Opens sockets, and creates and removes socket files.
 *
 * A client binds a socket of its own beside the server's: the same path, "." and 16 hexadecimal
 * digits. A HELLO from such a path opens a connection.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { systemClock, type Clock } from '../../base/clock.js';
import { MirrorflowError } from '../../base/errors.js';
import { bindPrivately } from '../../base/files/bind-privately.js';
import { LIMITS } from '../../base/limits.js';
import { DatagramConnection, KEEPALIVE_INTERVAL_MS } from './datagram-connection.js';
import {
  DEFAULT_SOCKET_MODE,
  type LinkConnection,
  type LinkConnectOptions,
  type LinkServer,
  type LinkServerOptions,
  type LinkTransport,
} from './link.js';
import { encodeMessage, MESSAGE_BYTES, MessageKind, packRefusal } from './messages.js';
import { checkSocketPath, clearStaleSocket } from './socket-path.js';
import { checkDatagramsUsable, removeSocketFile, UnixDatagramSocket } from './unix-datagram.js';

const PEER_DIGITS = LIMITS.datagramPeerSuffixBytes - 1;
const PEER_SUFFIX = new RegExp(`^\\.[0-9a-f]{${PEER_DIGITS}}$`);
const EMPTY = Buffer.alloc(0);

/**
 * Datagram signal links. Throws BAD_OPTION in a worker thread. The clock drives keepalives, repeats
 * and retries.
 */
export function datagramLink(clock: Clock = systemClock): LinkTransport {
  checkDatagramsUsable();
  return {
    connect: (path, options) => connectDatagram(path, clock, options),
    createServer: (options) => new DatagramLinkServer(clock, options),
  };
}

async function connectDatagram(
  path: string,
  clock: Clock,
  options: LinkConnectOptions = {},
): Promise<LinkConnection> {
  checkSocketPath(path, LIMITS.datagramPeerSuffixBytes);
  if (options.signal?.aborted === true) {
    throw new MirrorflowError('CLOSED', `connecting to the socket ${path} was aborted`, { path });
  }
  const socket = new UnixDatagramSocket((bytes, from) => {
    // Other processes of this user can write to this socket too.
    if (from === path) connection.receive(bytes);
  });
  const stopTicking = every(clock, () => connection.keepAlive());
  const connection = new DatagramConnection(
    {
      send: (bytes, length) => socket.send(bytes, length, path),
      failure: () => socket.failure,
      release: () => {
        stopTicking();
        socket.close();
      },
    },
    clock,
  );
  try {
    socket.bind(`${path}.${randomBytes(PEER_DIGITS / 2).toString('hex')}`);
    const outcome = socket.send(EMPTY, 0, path);
    if (outcome === 'unreachable' || outcome === 'failed') throw unreachable(path, socket.failure);
  } catch (error) {
    stopTicking();
    socket.close();
    throw error;
  }
  return connection;
}

class DatagramLinkServer implements LinkServer {
  readonly #clock: Clock;
  readonly #options: LinkServerOptions;
  readonly #connections = new Map<string, DatagramConnection>();
  #socket: UnixDatagramSocket | undefined;
  #path = '';
  #stopTicking: () => void = () => {};
  #handler: ((connection: LinkConnection) => void) | undefined;
  #closing: Promise<void> | undefined;
  #onEmpty: () => void = () => {};

  constructor(clock: Clock, options: LinkServerOptions = {}) {
    this.#clock = clock;
    this.#options = options;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  onConnection(handler: (connection: LinkConnection) => void): void {
    this.#handler = handler;
  }

  async listen(path: string): Promise<void> {
    checkSocketPath(path, LIMITS.datagramPeerSuffixBytes);
    const socket = new UnixDatagramSocket((bytes, from) => this.#receive(bytes, from));
    try {
      await clearStaleSocket(path, async (stale) => socket.send(EMPTY, 0, stale) !== 'unreachable');
      bindPrivately(() => socket.bind(path));
      chmodSync(path, this.#options.socketMode ?? DEFAULT_SOCKET_MODE);
    } catch (error) {
      socket.close();
      throw error;
    }
    this.#path = path;
    this.#socket = socket;
    this.#removeDeadPeers(socket);
    this.#stopTicking = every(this.#clock, () => {
      for (const connection of this.#connections.values()) connection.keepAlive();
    });
  }

  close(): Promise<void> {
    this.#closing ??= new Promise<void>((resolve) => {
      this.#onEmpty = () => {
        if (this.#connections.size > 0) return;
        this.#stopTicking();
        this.#socket?.close();
        // After the close handlers of the connections, which run in the same phase.
        setImmediate(resolve);
      };
      for (const connection of this.#connections.values()) connection.close();
      this.#onEmpty();
    });
    return this.#closing;
  }

  #receive(bytes: Buffer, from: string | undefined): void {
    if (from === undefined || bytes.length === 0) return;
    const connection = this.#connections.get(from);
    if (connection !== undefined) connection.receive(bytes);
    else if (this.#isPeer(from)) this.#accept(bytes, from);
  }

  /**
   * The first datagram from a path: a HELLO opens a connection, anything else belongs to a
   * connection that has ended.
   */
  #accept(bytes: Buffer, from: string): void {
    const isHello = bytes.length >= MESSAGE_BYTES && bytes.readUInt32LE(0) === MessageKind.HELLO;
    const full = this.#connections.size >= (this.#options.clients ?? LIMITS.linkClients);
    if (!isHello || full || this.#closing !== undefined) {
      const isBye = bytes.length >= MESSAGE_BYTES && bytes.readUInt32LE(0) === MessageKind.BYE;
      if (!isBye) this.#refuse(from, isHello && full);
      return;
    }
    const connection = new DatagramConnection(
      {
        send: (out, length) => this.#socket?.send(out, length, from) ?? 'unreachable',
        failure: () => this.#socket?.failure ?? 'closed',
        release: (dead) => {
          this.#connections.delete(from);
          if (dead) removeSocketFile(from);
          this.#onEmpty();
        },
      },
      this.#clock,
    );
    this.#connections.set(from, connection);
    this.#handler?.(connection);
    connection.receive(bytes);
  }

  #refuse(from: string, full: boolean): void {
    const answer = Buffer.alloc(2 * MESSAGE_BYTES);
    let bytes = 0;
    if (full) {
      encodeMessage(answer, 0, MessageKind.REFUSED, 0, packRefusal('LIMIT_REACHED'));
      bytes = MESSAGE_BYTES;
    }
    encodeMessage(answer, bytes, MessageKind.BYE, 0);
    this.#socket?.send(answer, bytes + MESSAGE_BYTES, from);
  }

  /**
   * Whether `path` may be a client's socket: by its name, type and user. The path comes from
   * another process, and the server sends to it and removes it later.
   */
  #isPeer(path: string): boolean {
    if (!isPeerPath(this.#path, path)) return false;
    try {
      const status = lstatSync(path);
      return status.isSocket() && status.uid === process.geteuid?.();
    } catch {
      return false;
    }
  }

  /** Removes the socket files of clients that died while no server was running. */
  #removeDeadPeers(socket: UnixDatagramSocket): void {
    const folder = dirname(this.#path);
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (this.#isPeer(path) && socket.send(EMPTY, 0, path) === 'unreachable') removeSocketFile(path);
    }
  }
}

function isPeerPath(serverPath: string, path: string): boolean {
  return (
    dirname(path) === dirname(serverPath) &&
    basename(path).startsWith(basename(serverPath)) &&
    PEER_SUFFIX.test(basename(path).slice(basename(serverPath).length))
  );
}

/** Runs `action` every KEEPALIVE_INTERVAL_MS until the returned function is called. */
function every(clock: Clock, action: () => void): () => void {
  let cancel = clock.after(KEEPALIVE_INTERVAL_MS, tick);
  let stopped = false;
  function tick(): void {
    action();
    if (!stopped) cancel = clock.after(KEEPALIVE_INTERVAL_MS, tick);
  }
  return () => {
    stopped = true;
    cancel();
  };
}

function unreachable(path: string, failure: string): MirrorflowError {
  const code =
    failure === 'EACCES' || failure === 'EPERM'
      ? 'NOT_PERMITTED'
      : failure === 'ENOENT' || failure === 'ECONNREFUSED'
        ? 'NOT_RUNNING'
        : 'TRANSPORT_ERROR';
  return new MirrorflowError(code, `cannot connect to the socket ${path}: ${failure}`, {
    path,
    failure,
  });
}
