/**
 * Accepts sessions on a Unix socket or a TCP port; every host server and app server runs one. Owns
 * the accepted sessions: closing the server closes them.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { EventEmitter } from 'eventemitter3';
import { LIMITS } from '../../base/limits.js';
import { RpcSession, type SessionOptions } from './session.js';
import { listenOn, type RpcTarget } from './target.js';

/** After this silence the kernel begins to probe whether the peer's machine still responds. */
const KEEP_ALIVE_AFTER_MS = 10_000;

export interface SessionServerOptions<Context> extends SessionOptions<Context> {
  /** Mode of the socket file. Default: 0o660. */
  readonly socketMode?: number;
  /** Default: LIMITS.rpcConnections. */
  readonly connections?: number;
}

interface SessionServerEvents<Context> {
  session: [session: RpcSession<Context>];
}

export class SessionServer<Context = undefined> extends EventEmitter<SessionServerEvents<Context>> {
  readonly #server: Server;
  readonly #options: SessionServerOptions<Context>;
  readonly #sessions = new Set<RpcSession<Context>>();
  #closing: Promise<void> | undefined;

  constructor(options: SessionServerOptions<Context>) {
    super();
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = options.connections ?? LIMITS.rpcConnections;
    this.#server.on('error', (error) => {
      if (this.#server.listening) options.log.error('session server error', { error });
    });
    this.#server.on('drop', () => options.log.warn('session refused: too many are open'));
  }

  get sessions(): ReadonlySet<RpcSession<Context>> {
    return this.#sessions;
  }

  /**
   * Listens and resolves with the bound target; see listenOn for the errors. A second call listens
   * again where the socket file was removed.
   */
  async listen(target: RpcTarget): Promise<RpcTarget> {
    if (this.#server.listening) this.#server.close(); // its socket was removed; sessions stay
    const bound = await listenOn(this.#server, target, this.#options.socketMode);
    return bound;
  }

  /** Accepts no further sessions and closes the open ones. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    await Promise.all([...this.#sessions].map((session) => session.close()));
    await stopped;
    this.removeAllListeners();
  }

  #accept(socket: Socket): void {
    if (this.#closing !== undefined) {
      socket.destroy();
      return;
    }
    const session = this.#open(socket);
    if (session === undefined) return;
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
    this.emit('session', session);
  }

  #open(socket: Socket): RpcSession<Context> | undefined {
    try {
      return openSession(socket, this.#options);
    } catch (error) {
      this.#options.log.warn('session refused', { error });
      return undefined;
    }
  }
}

/**
 * Starts a session over a connected socket and gives it the ownership of the socket. Throws the
 * error of `context`; the socket is then destroyed.
 */
export function openSession<Context>(socket: Socket, options: SessionOptions<Context>): RpcSession<Context> {
  // Sends small messages without delay, and detects a dead machine.
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
  try {
    return new RpcSession(socket, options);
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  }
}
