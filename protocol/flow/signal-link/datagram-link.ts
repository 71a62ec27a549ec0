/**
 * The signal link over Unix datagrams: one socket for all clients of a server, and one socket for
 * all links of a client in a directory (datagram-client-socket.ts). Used by duplicators of flows
 * that offer datagrams, and by their clients in main threads of the duplicator's user; all others
 * use stream-link.ts. Opens sockets, and creates and removes socket files.
 */
import { chmodSync, lstatSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { systemClock, type Clock } from '../../base/clock.js';
import { bindPrivately } from '../../base/files/bind-privately.js';
import { LIMITS } from '../../base/limits.js';
import { DatagramClientSockets, everyKeepalive, isClientName } from './datagram-client-socket.js';
import { DATAGRAM_HEADER_BYTES, DatagramConnection, linkNumberOf } from './datagram-connection.js';
import {
  DEFAULT_SOCKET_MODE,
  type LinkConnection,
  type LinkServer,
  type LinkServerOptions,
  type LinkTransport,
} from './link.js';
import { encodeMessage, MESSAGE_BYTES, MessageKind, packRefusal } from './messages.js';
import { checkSocketPath, clearStaleSocket } from './socket-path.js';
import { checkDatagramsUsable, removeSocketFile, UnixDatagramSocket } from './unix-datagram.js';

const EMPTY = Buffer.alloc(0);

/**
 * Datagram signal links. Throws BAD_OPTION in a worker thread. The clock drives keepalives and
 * retries. The connections of one transport share a socket for each directory.
 */
export function datagramLink(clock: Clock = systemClock): LinkTransport {
  checkDatagramsUsable();
  const sockets = new DatagramClientSockets(clock);
  return {
    connect: async (path, options) => sockets.connect(path, options),
    createServer: (options) => new DatagramLinkServer(clock, options),
  };
}

class DatagramLinkServer implements LinkServer {
  readonly #clock: Clock;
  readonly #options: LinkServerOptions;
  /** By the path of the client's socket, then by the number of the link on it. */
  readonly #peers = new Map<string, Map<number, DatagramConnection>>();
  #connectionCount = 0;
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
    return this.#connectionCount;
  }

  onConnection(handler: (connection: LinkConnection) => void): void {
    this.#handler = handler;
  }

  async listen(path: string): Promise<void> {
    checkSocketPath(path);
    const socket = new UnixDatagramSocket((bytes, from) => this.#receive(bytes, from));
    try {
      await clearStaleSocket(path, async (stale) => socket.send(EMPTY, 0, stale) !== 'unreachable');
      bindPrivately(() => socket.bind(path));
      chmodSync(path, this.#options.socketMode ?? DEFAULT_SOCKET_MODE);
    } catch (error) {
      socket.close();
      throw error;
    }
    this.#socket?.closeWithoutFile(); // its file was removed; connections stay
    this.#path = path;
    this.#socket = socket;
    this.#removeDeadPeers(socket);
    this.#stopTicking();
    this.#stopTicking = everyKeepalive(this.#clock, () => {
      this.#each((connection) => connection.keepAlive());
    });
  }

  close(): Promise<void> {
    this.#closing ??= new Promise<void>((resolve) => {
      this.#onEmpty = () => {
        if (this.#connectionCount > 0) return;
        this.#stopTicking();
        this.#socket?.close();
        // After the close handlers of the connections, which run in the same phase.
        setImmediate(resolve);
      };
      this.#each((connection) => connection.close());
      this.#onEmpty();
    });
    return this.#closing;
  }

  #receive(bytes: Buffer, from: string | undefined): void {
    if (from === undefined || bytes.length === 0) return;
    const number = linkNumberOf(bytes);
    if (number === undefined) return;
    const messages = bytes.subarray(DATAGRAM_HEADER_BYTES);
    const connection = this.#peers.get(from)?.get(number);
    if (connection !== undefined) connection.receive(messages);
    else if (this.#isPeer(from)) this.#accept(messages, from, number);
  }

  /**
   * The first datagram of a link: a HELLO opens a connection, anything else belongs to a connection
   * that has ended.
   */
  #accept(bytes: Buffer, from: string, number: number): void {
    const isHello = bytes.length >= MESSAGE_BYTES && bytes.readUInt32LE(0) === MessageKind.HELLO;
    const full = this.#connectionCount >= (this.#options.clients ?? LIMITS.linkClients);
    if (!isHello || full || this.#closing !== undefined) {
      const isBye = bytes.length >= MESSAGE_BYTES && bytes.readUInt32LE(0) === MessageKind.BYE;
      if (!isBye) this.#refuse(from, number, isHello && full);
      return;
    }
    const links = this.#peers.get(from) ?? new Map<number, DatagramConnection>();
    const connection = new DatagramConnection(
      number,
      {
        send: (out, length) => this.#socket?.send(out, length, from) ?? 'unreachable',
        failure: () => this.#socket?.failure ?? 'closed',
        release: (dead) => {
          this.#connectionCount -= 1;
          links.delete(number);
          if (links.size === 0) this.#peers.delete(from);
          if (dead) removeSocketFile(from);
          this.#onEmpty();
        },
      },
      this.#clock,
    );
    this.#peers.set(from, links.set(number, connection));
    this.#connectionCount += 1;
    this.#handler?.(connection);
    connection.receive(bytes);
  }

  #each(action: (connection: DatagramConnection) => void): void {
    for (const links of this.#peers.values()) for (const connection of links.values()) action(connection);
  }

  #refuse(from: string, number: number, full: boolean): void {
    const answer = Buffer.alloc(DATAGRAM_HEADER_BYTES + 2 * MESSAGE_BYTES);
    encodeMessage(answer, 0, MessageKind.LINK, number);
    let bytes = DATAGRAM_HEADER_BYTES;
    if (full) {
      encodeMessage(answer, bytes, MessageKind.REFUSED, 0, packRefusal('LIMIT_REACHED'));
      bytes += MESSAGE_BYTES;
    }
    encodeMessage(answer, bytes, MessageKind.BYE, 0);
    this.#socket?.send(answer, bytes + MESSAGE_BYTES, from);
  }

  /**
   * Whether `path` may be a client's socket: by its name, type and user. The path comes from
   * another process, and the server sends to it and removes it later.
   */
  #isPeer(path: string): boolean {
    if (dirname(path) !== dirname(this.#path) || !isClientName(basename(path))) return false;
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
