/**
 * The interface of the signal link: a local connection between a duplicator (server) and each
 * client of its flow that carries counts ("published below n", "acknowledged below n"), no data.
 * Its end shows each side that the other has closed or died.
 *
 * Used by duplicators and the client library. Implemented by stream-link.ts (stream sockets) and
 * datagram-link.ts; one conformance suite tests both. Types and defaults only.
 */
import type { MirrorflowError } from '../../base/errors.js';
import type { MessageHandler } from './framing.js';
import type { MessageKind } from './messages.js';

/**
 * The cause of a connection's end: this side closed it, the peer closed it or died, or a failure.
 */
export type LinkEnd =
  | { readonly by: 'us' }
  | { readonly by: 'peer' }
  | { readonly by: 'failure'; readonly error: MirrorflowError };

export interface LinkConnection {
  /**
   * Sends one message, at once while the peer's socket has room. While it is full, opening messages
   * wait in order; of counts and states only the newest of each kind waits. `value`: an integer
   * from 0 to 2^53 - 1; `detail`: a u32, default 0; a RangeError for other numbers. No effect on a
   * connection that is closing.
   */
  signal(kind: MessageKind, value: number, detail?: number): void;
  /**
   * Sets the one handler. It receives every message when it is set in the event-loop turn that
   * returned the connection, and none after `close` or `destroy`. The same count may arrive again:
   * datagram links repeat the newest.
   */
  onMessage(handler: MessageHandler): void;
  /**
   * Sets the one handler, which is called exactly once, whichever side ends the connection, and
   * never from inside `close`, `destroy` or `signal`.
   */
  onClose(handler: (end: LinkEnd) => void): void;
  /** Sends the waiting messages within CLOSE_TIMEOUT_MS, then ends. Idempotent. */
  close(): void;
  /**
   * Ends at once and drops waiting messages. Reports the end as a failure with `error`, else as by
   * `us`.
   */
  destroy(error?: MirrorflowError): void;
  /** Messages that wait for room in the peer's socket. */
  readonly waiting: number;
  readonly closed: boolean;
}

export interface LinkServer {
  /**
   * Listens on the socket path and replaces the socket of a dead server. Throws ADDRESS_IN_USE when
   * a process listens on it or the path is not a socket, BAD_ADDRESS when the path is too long,
   * NOT_PERMITTED or SYSTEM_ERROR. A second call listens again where the socket was removed.
   */
  listen(path: string): Promise<void>;
  /**
   * The handler is called for each client; it must set the connection's handlers before it returns.
   */
  onConnection(handler: (connection: LinkConnection) => void): void;
  /** Closes every connection and removes the socket. Idempotent. */
  close(): Promise<void>;
  /** Connections that have not ended; each takes one of the server's places. */
  readonly connectionCount: number;
}

export interface LinkConnectOptions {
  readonly signal?: AbortSignal;
  /** Default 5,000. */
  readonly timeoutMs?: number;
}

export interface LinkServerOptions {
  /** Permission bits of the socket file. Default 0660: the owner's and the group's. */
  readonly socketMode?: number;
  /**
   * Largest number of clients at the same time; the server refuses more with LIMIT_REACHED. Default
   * LIMITS.linkClients.
   */
  readonly clients?: number;
  /** Time within which a client must send its first message. Default 5,000. */
  readonly helloTimeoutMs?: number;
}

export interface LinkTransport {
  /**
   * Connects to a server's socket path. Throws NOT_RUNNING when no process listens there,
   * NOT_PERMITTED, TIMED_OUT, CLOSED when aborted, TRANSPORT_ERROR for other errors.
   */
  connect(path: string, options?: LinkConnectOptions): Promise<LinkConnection>;
  createServer(options?: LinkServerOptions): LinkServer;
}

export const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;
export const DEFAULT_HELLO_TIMEOUT_MS = 5_000;
export const DEFAULT_SOCKET_MODE = 0o660;
/** How long a closing side tries to send its waiting messages. */
export const CLOSE_TIMEOUT_MS = 1_000;
