/**
 * The one way to join a duplicator, the process that owns a flow's file: connect to its signal link
 * (a Unix socket that carries counts, no data), send HELLO, wait for WELCOME and BEGIN. Used by
 * consumers, providers and mirrors, in the main thread and in flow threads. Opens one socket and
 * nothing else. Always bounded: a duplicator that does not answer, a stopped one for example, is a
 * TIMED_OUT within a second.
 */
import { systemClock, type Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { LinkConnection, LinkEnd, LinkTransport } from '../../protocol/flow/signal-link/link.js';
import {
  kindName,
  MessageKind,
  packHello,
  unpackRefusal,
  type Hello,
} from '../../protocol/flow/signal-link/messages.js';
import { streamLink } from '../../protocol/flow/signal-link/stream-link.js';

/** From connecting to BEGIN. Opening a flow is to fail within a second: the rest is for opening. */
const HANDSHAKE_TIMEOUT_MS = 900;
const LOW_WORD = 0x1_0000_0000;

/** A buffer by its number; sequences of two epochs cannot be compared. Epoch 0 matches any. */
export interface SequencePoint {
  readonly epoch: number;
  readonly sequence: number;
}

export interface HandshakeRequest {
  /** HELLO's value: number of the client on this link, and its process where that is known. */
  readonly client: number;
  readonly hello: Omit<Hello, 'version'>;
  /** Sent as START, when `hello.start` is `sequence`. */
  readonly start?: SequencePoint;
}

/** A link whose duplicator has admitted this client. The caller's to close. */
export class JoinedLink {
  readonly connection: LinkConnection;
  /** Epoch of the flow file that the duplicator serves. */
  readonly epoch: number;
  /** First sequence that this client may read or write. */
  readonly first: number;
  /** For a provider: its number among the providers of this flow, from 1. */
  readonly generation: number;
  #end: LinkEnd | undefined;

  constructor(connection: LinkConnection, epoch: number, first: number, generation: number) {
    this.connection = connection;
    this.epoch = epoch;
    this.first = first;
    this.generation = generation;
    connection.onClose((end) => (this.#end = end));
  }

  /** One handler, called once, also when the link has ended before it was set. */
  onEnd(handler: (end: LinkEnd) => void): void {
    const end = this.#end;
    if (end === undefined) this.connection.onClose(handler);
    else queueMicrotask(() => handler(end));
  }
}

/** Connects from its construction on, so that the caller can map files meanwhile. */
export class Handshake {
  readonly #path: string;
  readonly #expiry = new AbortController();
  readonly #cancelTimer: () => void;
  readonly #connecting: Promise<LinkConnection>;

  /** `path`: socket of the duplicator; `transport`: the kind of link that it serves there. */
  constructor(path: string, clock: Clock = systemClock, transport: LinkTransport = streamLink(clock)) {
    this.#path = path;
    // A program that was busy until now first reads the answer that has arrived meanwhile.
    this.#cancelTimer = clock.after(HANDSHAKE_TIMEOUT_MS, () => {
      setImmediate(() => this.#expiry.abort());
    });
    this.#connecting = transport.connect(path, { signal: this.#expiry.signal });
    this.#connecting.catch(() => undefined); // reported by `join`
  }

  /**
   * Sends the request and waits until the client is admitted. Messages that follow BEGIN before the
   * caller has set its handler are dropped: the flow file has the same facts. Called once. Throws
   * NOT_RUNNING when no duplicator listens or it ended meanwhile, TIMED_OUT, the duplicator's
   * refusal with its code, BAD_MESSAGE, NOT_PERMITTED; the socket is closed then.
   */
  async join(request: HandshakeRequest): Promise<JoinedLink> {
    const { signal } = this.#expiry;
    let connection: LinkConnection | undefined;
    const expire = (): void => connection?.destroy(this.#timedOut());
    signal.addEventListener('abort', expire);
    try {
      connection = await this.#connecting;
      return await this.#admission(connection, request);
    } catch (error) {
      connection?.destroy();
      throw signal.aborted ? this.#timedOut() : error;
    } finally {
      this.#cancelTimer();
      signal.removeEventListener('abort', expire);
    }
  }

  /** Closes the connection instead of joining. */
  abandon(): void {
    this.#cancelTimer();
    void this.#connecting.then(
      (connection) => connection.destroy(),
      () => undefined,
    );
  }

  #admission(connection: LinkConnection, request: HandshakeRequest): Promise<JoinedLink> {
    const path = this.#path;
    const { client, hello, start } = request;
    return new Promise((resolve, reject) => {
      let epoch: number | undefined;
      const ignore = (): void => undefined;
      connection.onMessage((kind, value, detail) => {
        if (kind === MessageKind.WELCOME && epoch === undefined) {
          epoch = value;
        } else if (kind === MessageKind.BEGIN && epoch !== undefined) {
          connection.onMessage(ignore);
          resolve(new JoinedLink(connection, epoch, value, detail));
        } else if (kind === MessageKind.REFUSED) {
          const code = unpackRefusal(detail);
          const message = `the duplicator at ${path} refused this ${hello.role}: ${code}`;
          reject(new MirrorflowError(code, message, { path }));
        } else {
          const message = `the duplicator at ${path} sent ${kindName(kind)} before WELCOME and BEGIN`;
          reject(new MirrorflowError('BAD_MESSAGE', message, { path }));
        }
      });
      connection.onClose((end) => {
        const message = `the duplicator at ${path} closed the link before it admitted this ${hello.role}`;
        reject(end.by === 'failure' ? end.error : new MirrorflowError('NOT_RUNNING', message, { path }));
      });
      connection.signal(MessageKind.HELLO, client, packHello(hello));
      if (start !== undefined) {
        connection.signal(MessageKind.START, start.sequence, start.epoch % LOW_WORD);
      }
    });
  }

  #timedOut(): MirrorflowError {
    const path = this.#path;
    const message = `the duplicator at ${path} did not answer in ${HANDSHAKE_TIMEOUT_MS} ms`;
    return new MirrorflowError('TIMED_OUT', message, { path, timeoutMs: HANDSHAKE_TIMEOUT_MS });
  }
}
