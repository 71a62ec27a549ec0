/**
 * Takes sessions on a Unix socket or a TCP port. Owns the sessions it has taken: closing it closes
 * them.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { EventEmitter } from 'eventemitter3';
import { LIMITS } from '../../base/limits.js';
import { RpcSession, type SessionOptions } from './session.js';
import { listenOn, type RpcTarget } from './target.js';

/**
 * A peer whose machine vanished is noticed by the kernel's probes, which begin after this silence.
 */
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
    this.#server = createServer((socket) => this.#take(socket));
    this.#server.maxConnections = options.connections ?? LIMITS.rpcConnections;
    this.#server.on('drop', () => options.log.warn('session refused: too many are open'));
  }

  get sessions(): ReadonlySet<RpcSession<Context>> {
    return this.#sessions;
  }

  /** Listens and resolves with what was bound; see listenOn for its errors. */
  async listen(target: RpcTarget): Promise<RpcTarget> {
    const bound = await listenOn(this.#server, target, this.#options.socketMode);
    this.#server.on('error', (error) => this.#options.log.error('session server error', { error }));
    return bound;
  }

  /** Takes no more sessions and closes those there are. */
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

  #take(socket: Socket): void {
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
 * A session over a connected socket, which it owns: also when the context is refused. Throws what
 * `context` throws.
 */
export function openSession<Context>(socket: Socket, options: SessionOptions<Context>): RpcSession<Context> {
  // Small messages go out at once; a dead machine is noticed.
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
  try {
    return new RpcSession(socket, options);
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  }
}
