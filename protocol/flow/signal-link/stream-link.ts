/**
 * The signal link over Unix stream sockets: the default, used by duplicators and the client
 * library. The kernel closes the connection at once when a process dies, and the link works in
 * worker threads. Opens sockets, and creates and removes socket files.
 */
import { chmodSync } from 'node:fs';
import { connect, createServer, type OnReadOpts, type Server, type Socket } from 'node:net';

import { systemClock, type Clock } from '../../base/clock.js';
import { MirrorflowError, systemCode } from '../../base/errors.js';
import { bindPrivately } from '../../base/files/bind-privately.js';
import { LIMITS } from '../../base/limits.js';
import { moveToReader } from './direct-socket.js';
import {
  DEFAULT_CONNECT_TIMEOUT_MS,
  DEFAULT_HELLO_TIMEOUT_MS,
  DEFAULT_SOCKET_MODE,
  type LinkConnection,
  type LinkConnectOptions,
  type LinkServer,
  type LinkServerOptions,
  type LinkTransport,
} from './link.js';
import { MessageKind, packRefusal } from './messages.js';
import { checkSocketPath, clearStaleSocket, socketError } from './socket-path.js';
import { StreamConnection } from './stream-connection.js';

/**
 * The buffer into which all links of this thread read: each read is handled before the next. Room
 * for 64 messages.
 */
const readBuffer = Buffer.allocUnsafeSlow(1024);

/** Refused clients that may read the reason at the same time; more are disconnected at once. */
const REFUSED_LINGERING_MAX = 64;

/** Stream-socket signal links. `clock` is used for timeouts only. */
export function streamLink(clock: Clock = systemClock): LinkTransport {
  return {
    connect: (path, options) => connectStream(path, clock, options),
    createServer: (options) => new StreamLinkServer(clock, options),
  };
}

async function connectStream(
  path: string,
  clock: Clock,
  options: LinkConnectOptions = {},
): Promise<LinkConnection> {
  checkSocketPath(path);
  const { signal, timeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = options;
  if (signal?.aborted === true) throw aborted(path);
  return new Promise((resolve, reject) => {
    let connection: StreamConnection | undefined;
    const socket = connect({
      path,
      onread: receiver(() => connection),
    });
    const fail = (error: MirrorflowError): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(aborted(path));
    const onError = (error: Error): void => fail(socketError('cannot be connected to', path, error));
    const cancelTimer = clock.after(timeoutMs, () =>
      fail(new MirrorflowError('TIMED_OUT', `the socket ${path} accepted no connection in ${timeoutMs} ms`)),
    );
    const settle = (): void => {
      cancelTimer();
      signal?.removeEventListener('abort', onAbort);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('connect', () => {
      settle();
      socket.off('error', onError);
      connection = new StreamConnection(socket, clock);
      resolve(connection);
    });
  });
}

class StreamLinkServer implements LinkServer {
  readonly #clock: Clock;
  readonly #options: LinkServerOptions;
  readonly #server: Server;
  readonly #connections = new Set<StreamConnection>();
  readonly #refused = new Set<StreamConnection>();
  #handler: ((connection: LinkConnection) => void) | undefined;
  #closing: Promise<void> | undefined;
  #onEmpty: () => void = () => {};

  constructor(clock: Clock, options: LinkServerOptions = {}) {
    this.#clock = clock;
    this.#options = options;
    this.#server = createServer({ pauseOnConnect: true }, (socket) => this.#accept(socket));
  }

  get connectionCount(): number {
    let count = 0;
    for (const connection of this.#connections) if (!connection.closed) count += 1;
    return count;
  }

  onConnection(handler: (connection: LinkConnection) => void): void {
    this.#handler = handler;
  }

  async listen(path: string): Promise<void> {
    checkSocketPath(path);
    if (this.#server.listening) this.#server.close(); // its socket was removed; connections stay
    await clearStaleSocket(path, isListening);
    await new Promise<void>((resolve, reject) => {
      const onError = (error: Error): void => reject(socketError('cannot be listened on', path, error));
      this.#server.once('error', onError);
      this.#server.once('listening', () => {
        this.#server.off('error', onError);
        resolve();
      });
      bindPrivately(() => this.#server.listen(path));
    });
    try {
      chmodSync(path, this.#options.socketMode ?? DEFAULT_SOCKET_MODE);
    } catch (error) {
      await this.close();
      throw socketError('cannot be given its mode', path, error);
    }
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      let listening = true;
      this.#onEmpty = () => {
        if (!listening && this.#connections.size === 0 && this.#refused.size === 0) resolve();
      };
      // `close` reports an error when the server never listened, which needs no wait either.
      this.#server.close(() => {
        listening = false;
        this.#onEmpty();
      });
      for (const connection of [...this.#connections, ...this.#refused]) connection.close();
    });
    return this.#closing;
  }

  #accept(accepted: Socket): void {
    const moved = moveToReader(
      accepted,
      receiver(() => connection),
    );
    const socket = moved ?? accepted;
    const connection = new StreamConnection(socket, this.#clock);
    const full = this.connectionCount >= (this.#options.clients ?? LIMITS.linkClients);
    if (this.#closing !== undefined || (full && this.#refused.size >= REFUSED_LINGERING_MAX)) {
      connection.destroy();
      return;
    }
    const group = full ? this.#refused : this.#connections;
    group.add(connection);
    socket.once('close', () => {
      group.delete(connection);
      this.#onEmpty();
    });
    if (full) {
      connection.signal(MessageKind.REFUSED, 0, packRefusal('LIMIT_REACHED'));
      connection.close();
    } else {
      connection.expectMessageWithin(this.#options.helloTimeoutMs ?? DEFAULT_HELLO_TIMEOUT_MS);
      this.#handler?.(connection);
    }
    if (moved !== undefined) return;
    socket.on('data', (chunk: Buffer) => connection.receive(chunk, chunk.length));
    socket.resume();
  }
}

/** Reads of a socket for its connection, which may not exist yet. */
function receiver(connection: () => StreamConnection | undefined): OnReadOpts {
  return {
    buffer: readBuffer,
    callback: (bytes, buffer) => {
      connection()?.receive(buffer, bytes);
      return true;
    },
  };
}

/** Only a refused connection proves that no process listens. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      const code = systemCode(error);
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT');
    });
  });
}

function aborted(path: string): MirrorflowError {
  return new MirrorflowError('CLOSED', `connecting to the socket ${path} was aborted`, { path });
}
