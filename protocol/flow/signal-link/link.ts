/**
 * The signal link as its users see it: connections that carry counts and are the liveness of both
 * sides. Two implementations stand behind it, stream sockets and datagrams, and one conformance
 * suite in front of both.
 */
import type { MirrorflowError } from '../../base/errors.js';
import type { MessageHandler } from './framing.js';
import type { MessageKind } from './messages.js';

/**
 * Why a connection ended: this side closed it, the other side did or died, or something went wrong.
 */
export type LinkEnd =
  | { readonly by: 'us' }
  | { readonly by: 'peer' }
  | { readonly by: 'failure'; readonly error: MirrorflowError };

export interface LinkConnection {
  /**
   * Sends one message, at once where the other side's socket has room. While it is full, opening
   * messages wait in order, and of counts and states only the newest of each kind. Value: an
   * integer from 0 to 2^53 - 1; detail: a u32, default 0. A RangeError for anything else; nothing
   * happens on a connection that is closing.
   */
  signal(kind: MessageKind, value: number, detail?: number): void;
  /**
   * A count may come again unchanged: datagram links repeat the newest. One handler; set in the
   * turn in which the connection was got, it misses nothing. Silent from `close` or `destroy` on.
   */
  onMessage(handler: MessageHandler): void;
  /**
   * One handler, called exactly once, whichever side ends the connection, and never from inside
   * `close`, `destroy` or `signal`.
   */
  onClose(handler: (end: LinkEnd) => void): void;
  /** Sends what waits (bounded in time), then ends. Idempotent. */
  close(): void;
  /** Ends at once; what waits is dropped. Without an error the end is reported as by us. */
  destroy(error?: MirrorflowError): void;
  /** Messages that wait for room, 0 when the other side keeps up. */
  readonly waiting: number;
  readonly closed: boolean;
}

export interface LinkServer {
  /**
   * Listens on the socket path, removing what a dead server left there. Throws ADDRESS_IN_USE when
   * somebody listens on it or it is no socket, BAD_ADDRESS when the path is too long, NOT_PERMITTED
   * or SYSTEM_ERROR.
   */
  listen(path: string): Promise<void>;
  /** Called for each client; its messages come once a handler is set in the same turn. */
  onConnection(handler: (connection: LinkConnection) => void): void;
  /** Closes every connection and removes the socket. Idempotent. */
  close(): Promise<void>;
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
   * Clients at the same time; more are answered REFUSED with LIMIT_REACHED. Default
   * LIMITS.linkClients.
   */
  readonly clients?: number;
  /** A client that has not sent a whole message by then is closed. Default 5,000. */
  readonly helloTimeoutMs?: number;
}

export interface LinkTransport {
  /**
   * Connects to a server's socket path. Throws NOT_RUNNING when nobody listens there,
   * NOT_PERMITTED, TIMED_OUT, CLOSED when aborted, TRANSPORT_ERROR for anything else.
   */
  connect(path: string, options?: LinkConnectOptions): Promise<LinkConnection>;
  createServer(options?: LinkServerOptions): LinkServer;
}

export const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;
export const DEFAULT_HELLO_TIMEOUT_MS = 5_000;
export const DEFAULT_SOCKET_MODE = 0o660;
/** How long a closing side tries to send what waits to a peer that does not read. */
export const CLOSE_TIMEOUT_MS = 1_000;
