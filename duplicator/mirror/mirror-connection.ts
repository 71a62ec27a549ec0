/**
 * The TCP connection to a SpecTcl mirror service: one request at a time, each reply's body received
 * straight into the buffer that the caller supplies for it (a slot of the mapped flow file), with
 * no copy in user space. Opened by source-connection.ts, used by MirrorSession. Opens a socket,
 * writes only into the supplied buffers.
 */
import { connect, type Socket } from 'node:net';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import {
  MIRROR_HEADER_BYTES,
  checkReplyHeader,
  decodeMirrorHeader,
  encodeRequestUpdate,
} from '../../protocol/spectcl/mirror-messages.js';
import { SilenceWatch } from './silence-watch.js';

/** With or without the display header in front of the channels. */
export type UpdateKind = 'full' | 'partial';

export interface Reply {
  readonly kind: UpdateKind;
  /** Bytes of the body, which has been received into the supplied buffer. */
  readonly bodyBytes: number;
  /** Clock readings at the request and at the last byte of the reply. */
  readonly requestedMs: number;
  readonly receivedMs: number;
}

/** Where a reply is received. */
export interface ReplyReceiver {
  /**
   * Called once, when the reply's header has arrived. Returns the start of a display memory with
   * room for the display header and the requested bytes of channels.
   */
  memoryFor(kind: UpdateKind): Buffer;
  /** After each read but the last: the bytes of the body that have arrived, and of how many. */
  arrived?(kind: UpdateKind, arrivedBytes: number, bodyBytes: number): void;
}

/** Most bytes of a read: what is compared right after it is then still in the processor's cache. */
const READ_BYTES = 256 * 1024;

export interface MirrorConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** Longest wait for the connection, milliseconds. */
  readonly connectMs: number;
  /** Longest silence before and within a reply, milliseconds. */
  readonly silenceMs: number;
  readonly clock: Clock;
  /** Closes the connection, also while it is being made. */
  readonly signal: AbortSignal;
}

interface Request {
  readonly channelCapacity: number;
  readonly receiver: ReplyReceiver;
  readonly requestedMs: number;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

interface Body {
  readonly kind: UpdateKind;
  readonly target: Buffer;
  readonly bodyBytes: number;
  filled: number;
}

export class MirrorConnection {
  readonly #options: MirrorConnectionOptions;
  readonly #socket: Socket;
  readonly #silence: SilenceWatch;
  readonly #header = Buffer.alloc(MIRROR_HEADER_BYTES);
  #headerFilled = 0;
  /** The body that is being received; undefined before and between bodies. */
  #body: Body | undefined;
  #request: Request | undefined;
  /** Why the connection ended. */
  #failure: MirrorflowError | undefined;
  #opened: ((error?: MirrorflowError) => void) | undefined;
  readonly #abort = (): void => this.destroy();

  private constructor(options: MirrorConnectionOptions, opened: (error?: MirrorflowError) => void) {
    this.#options = options;
    this.#opened = opened;
    this.#silence = new SilenceWatch(options.clock);
    this.#socket = connect({
      host: options.host,
      port: options.port,
      noDelay: true,
      onread: {
        // Called after every read: the rest of the header, or the rest of the body in its slot.
        buffer: () => this.#nextBuffer(),
        callback: (bytes) => this.#received(bytes),
      },
    });
    const { connectMs } = options;
    this.#silence.start(connectMs, () =>
      this.#lose(`${this.#service} did not accept a connection within ${connectMs} ms`),
    );
    this.#socket.once('connect', () => {
      this.#silence.stop();
      this.#opened?.();
      this.#opened = undefined;
    });
    this.#socket.on('error', (error) =>
      this.#lose(`the connection to ${this.#service} failed: ${describeError(error)}`, error),
    );
    this.#socket.on('close', () => this.#lose(`${this.#service} closed the connection`));
    if (options.signal.aborted) this.destroy();
    else options.signal.addEventListener('abort', this.#abort, { once: true });
  }

  /** Connects, or throws SOURCE_UNREACHABLE. */
  static async open(options: MirrorConnectionOptions): Promise<MirrorConnection> {
    return new Promise((resolve, reject) => {
      const connection: MirrorConnection = new MirrorConnection(options, (error) => {
        if (error === undefined) resolve(connection);
        else reject(error);
      });
    });
  }

  /**
   * Requests an update of at most `channelCapacity` bytes of channels. Rejects with
   * SOURCE_UNREACHABLE when the connection is lost and SOURCE_PROTOCOL when the reply is
   * impossible; both end the connection.
   */
  async request(channelCapacity: number, receiver: ReplyReceiver): Promise<Reply> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#request !== undefined) throw new Error('a request is in flight already');
    return new Promise((resolve, reject) => {
      const requestedMs = this.#options.clock.nowMs();
      this.#request = { channelCapacity, receiver, requestedMs, resolve, reject };
      this.#socket.write(encodeRequestUpdate());
      const { silenceMs } = this.#options;
      this.#silence.start(silenceMs, () =>
        this.#lose(`${this.#service} sent nothing of a requested update for ${silenceMs} ms`),
      );
    });
  }

  /** Ends the connection; a request in flight is rejected. Idempotent. */
  destroy(): void {
    this.#lose('the connection was closed here');
  }

  #nextBuffer(): Buffer {
    const body = this.#body;
    if (body !== undefined)
      return body.target.subarray(body.filled, Math.min(body.bodyBytes, body.filled + READ_BYTES));
    return this.#header.subarray(this.#headerFilled);
  }

  /** `bytes` have arrived in the last `#nextBuffer`. False stops the reading. */
  #received(bytes: number): boolean {
    if (this.#failure !== undefined) return false;
    const request = this.#request;
    if (request === undefined) {
      this.#lose(`${this.#service} sent data without a request`, undefined, 'SOURCE_PROTOCOL');
      return false;
    }
    this.#silence.heard();
    const body = this.#body;
    if (body === undefined) {
      this.#headerFilled += bytes;
      if (this.#headerFilled === MIRROR_HEADER_BYTES) this.#beginBody(request);
    } else {
      body.filled += bytes;
      if (body.filled === body.bodyBytes) this.#complete(request, body);
      else request.receiver.arrived?.(body.kind, body.filled, body.bodyBytes);
    }
    return true;
  }

  #beginBody(request: Request): void {
    this.#headerFilled = 0;
    const { size, type } = decodeMirrorHeader(this.#header);
    const reply = checkReplyHeader(size, type, request.channelCapacity);
    if (reply.kind === 'bad') {
      const message = `${this.#service} answered with an impossible update: ${reply.problem}`;
      this.#lose(message, undefined, 'SOURCE_PROTOCOL');
      return;
    }
    const { kind, bodyBytes, landsAt } = reply;
    const target = request.receiver.memoryFor(kind).subarray(landsAt, landsAt + bodyBytes);
    const body: Body = { kind, target, bodyBytes, filled: 0 };
    if (bodyBytes === 0) this.#complete(request, body);
    else this.#body = body;
  }

  #complete({ requestedMs, resolve }: Request, { kind, bodyBytes }: Body): void {
    this.#body = undefined;
    this.#request = undefined;
    this.#silence.stop();
    resolve({ kind, bodyBytes, requestedMs, receivedMs: this.#options.clock.nowMs() });
  }

  #lose(
    message: string,
    cause?: unknown,
    code: 'SOURCE_UNREACHABLE' | 'SOURCE_PROTOCOL' = 'SOURCE_UNREACHABLE',
  ): void {
    if (this.#failure !== undefined) return;
    const { host, port } = this.#options;
    const failure = new MirrorflowError(code, message, { host, port }, cause);
    this.#failure = failure;
    this.#silence.stop();
    this.#socket.destroy();
    const request = this.#request;
    this.#request = undefined;
    request?.reject(failure);
    this.#options.signal.removeEventListener('abort', this.#abort);
    this.#opened?.(failure);
    this.#opened = undefined;
  }

  get #service(): string {
    return `the mirror service at ${this.#options.host}:${this.#options.port}`;
  }
}
