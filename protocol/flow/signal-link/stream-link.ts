/**
 * The signal link over Unix stream sockets, the default: the kernel keeps the connection and closes
 * it at once when a process dies, and it works in worker threads.
 */
import { chmodSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';

import { systemClock, type Clock } from '../../base/clock.js';
import { MirrorflowError, systemCode } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
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

/** Room for 64 messages per read; more come with the next one. */
const READ_BUFFER_BYTES = 1024;

/** Refused clients that are given time to read why; more at the same time are cut off. */
const REFUSED_LINGERING_MAX = 64;

/** Stream-socket signal links. The clock serves the timeouts only. */
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
      // One buffer for the life of the connection: a signal that arrives allocates nothing.
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
        callback: (bytes, buffer) => {
          connection?.receive(buffer, bytes);
          return true;
        },
      },
    });
    const give = (error: MirrorflowError): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => give(aborted(path));
    const onError = (error: Error): void => give(socketError('cannot be connected to', path, error));
    const cancelTimer = clock.after(timeoutMs, () =>
      give(new MirrorflowError('TIMED_OUT', `the socket ${path} accepted no connection in ${timeoutMs} ms`)),
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
  #onAllGone: () => void = () => {};

  constructor(clock: Clock, options: LinkServerOptions = {}) {
    this.#clock = clock;
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  onConnection(handler: (connection: LinkConnection) => void): void {
    this.#handler = handler;
  }

  async listen(path: string): Promise<void> {
    checkSocketPath(path);
    await clearStaleSocket(path, isListening);
    await new Promise<void>((resolve, reject) => {
      const onError = (error: Error): void => reject(socketError('cannot be listened on', path, error));
      this.#server.once('error', onError);
      this.#server.listen(path, () => {
        this.#server.off('error', onError);
        resolve();
      });
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
      this.#onAllGone = () => {
        if (!listening && this.#connections.size === 0 && this.#refused.size === 0) resolve();
      };
      // An error means that it never listened: nothing to wait for either.
      this.#server.close(() => {
        listening = false;
        this.#onAllGone();
      });
      for (const connection of [...this.#connections, ...this.#refused]) connection.close();
    });
    return this.#closing;
  }

  #accept(socket: Socket): void {
    const connection = new StreamConnection(socket, this.#clock);
    const full = this.#connections.size >= (this.#options.clients ?? LIMITS.linkClients);
    if (this.#closing !== undefined || (full && this.#refused.size >= REFUSED_LINGERING_MAX)) {
      connection.destroy();
      return;
    }
    const group = full ? this.#refused : this.#connections;
    group.add(connection);
    socket.once('close', () => {
      group.delete(connection);
      this.#onAllGone();
    });
    if (full) {
      connection.signal(MessageKind.REFUSED, 0, packRefusal('LIMIT_REACHED'));
      connection.close();
    } else {
      connection.expectMessageWithin(this.#options.helloTimeoutMs ?? DEFAULT_HELLO_TIMEOUT_MS);
      this.#handler?.(connection);
    }
    socket.on('data', (chunk: Buffer) => connection.receive(chunk, chunk.length));
  }
}

/** Only a refused connection proves that nobody listens. */
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
  return new MirrorflowError('CLOSED', `connecting to the socket ${path} was given up`, { path });
}
