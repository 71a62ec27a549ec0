/**
 * The TCP connection to a SpecTcl mirror service: one request at a time, each reply's body received
 * straight into the buffer that the caller supplies for it (a slot of the mapped flow file), with
 * no copy in user space. Opened by source-connection.ts, used by MirrorSession. Opens a socket,
 * writes only into the supplied buffers.
 *
 * How a connection ends matters to SpecTcl: at the end of the stream (FIN) its socket class closes
 * the descriptor and opens a new one. If another thread has taken the number meanwhile, the thread
 * of the connection polls a dead descriptor for ever. A reset (RST) ends the thread at once, but
 * may abort SpecTcl before its first reply. So a connection that had a reply is reset, and any
 * other one is retired: it stays open, and its owner closes it after its successor is connected
 * (RetiredConnections).
 */
import { connect, type Socket } from 'node:net';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError, describeError, type ErrorCode } from '../../protocol/base/errors.js';
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
  /**
   * Milliseconds that the source spent on the reply, at most. Of a body that fits one segment only
   * the time to the reply's header counts: the body may wait for an acknowledgement, which costs
   * nothing. Nor does the time in `arrived` count: the source waits meanwhile for room to send.
   */
  readonly sourceMs: number;
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
/** Longest body that TCP may send in one segment: the segment size of the loopback interface. */
const SEGMENT_BYTES = 65_483;
/** Idle time after which the kernel probes whether the source's host still exists, milliseconds. */
const KEEPALIVE_MS = 5_000;

/** Receives what an abandoned connection still sends. */
const DISCARDED = Buffer.alloc(64 * 1024);

export interface MirrorConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** Longest wait for the connection, milliseconds. */
  readonly connectMs: number;
  /** Longest silence before and within a reply, milliseconds; `silent` is called after it. */
  readonly silenceMs: number;
  /**
   * The source has been silent for `count` times silenceMs in a row. The connection stays open and
   * its request waits, since a SpecTcl that hangs may answer later.
   */
  readonly silent: (error: MirrorflowError, count: number) => void;
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
  /** Clock reading when the reply's header had arrived. */
  readonly beganMs: number;
  filled: number;
  /** Milliseconds that the receiver has spent in `arrived`. */
  receiverMs: number;
}

export class MirrorConnection {
  readonly #options: MirrorConnectionOptions;
  readonly #socket: Socket;
  readonly #silenceWatch: SilenceWatch;
  readonly #header = Buffer.alloc(MIRROR_HEADER_BYTES);
  #headerFilled = 0;
  /** The body that is being received; undefined before and between bodies. */
  #body: Body | undefined;
  #request: Request | undefined;
  /** Why the connection is not used any more. */
  #failure: MirrorflowError | undefined;
  /** A whole reply was received, so that a reset cannot abort SpecTcl. */
  #hadReply = false;
  #silences = 0;
  #opened: ((error?: MirrorflowError) => void) | undefined;
  readonly #abort = (): void => this.destroy();

  private constructor(options: MirrorConnectionOptions, opened: (error?: MirrorflowError) => void) {
    this.#options = options;
    this.#opened = opened;
    this.#silenceWatch = new SilenceWatch(options.clock);
    this.#socket = connect({
      host: options.host,
      port: options.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEPALIVE_MS,
      onread: {
        // Called after every read: the rest of the header, or the rest of the body in its slot.
        buffer: () => this.#nextBuffer(),
        callback: (bytes) => this.#received(bytes),
      },
    });
    const { connectMs } = options;
    this.#silenceWatch.start(connectMs, () => {
      this.#fail(`${this.#service} did not accept a connection within ${connectMs} ms`);
      this.#socket.destroy();
    });
    this.#socket.once('connect', () => {
      this.#silenceWatch.stop();
      this.#opened?.();
      this.#opened = undefined;
    });
    this.#socket.on('error', (error) =>
      this.#fail(`the connection to ${this.#service} failed: ${describeError(error)}`, error),
    );
    this.#socket.on('close', () => this.#fail(`${this.#service} closed the connection`));
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
   * SOURCE_UNREACHABLE when the connection is lost or abandoned and SOURCE_PROTOCOL when the reply
   * is impossible; then the connection is of no more use. Waits as long as the source is silent.
   */
  async request(channelCapacity: number, receiver: ReplyReceiver): Promise<Reply> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#request !== undefined) throw new Error('a request is in flight already');
    return new Promise((resolve, reject) => {
      const requestedMs = this.#options.clock.nowMs();
      this.#request = { channelCapacity, receiver, requestedMs, resolve, reject };
      this.#socket.write(encodeRequestUpdate());
      this.#watchSilence();
    });
  }

  /**
   * Rejects a request in flight with `error`. Resets the connection if it had a reply, and leaves
   * it open otherwise. Idempotent.
   */
  abandon(error?: MirrorflowError): void {
    this.#fail(error?.message ?? 'the connection was closed here', error?.cause, error?.code);
  }

  /** Nothing of the present request has arrived for the silence limit. */
  get silent(): boolean {
    return this.#failure === undefined && this.#silences > 0;
  }

  get closed(): boolean {
    return this.#socket.destroyed;
  }

  /** Closes the connection; a request in flight is rejected. Idempotent. */
  destroy(): void {
    this.abandon();
    this.#socket.destroy();
  }

  #watchSilence(): void {
    const { silenceMs, silent } = this.#options;
    this.#silenceWatch.start(silenceMs, () => {
      this.#silences += 1;
      const message = `${this.#service} sent nothing of a requested update for ${silenceMs} ms`;
      const { host, port } = this.#options;
      this.#watchSilence();
      silent(new MirrorflowError('SOURCE_UNREACHABLE', message, { host, port }), this.#silences);
    });
  }

  #nextBuffer(): Buffer {
    // What a connection that was given up still receives is discarded: unread data would turn its
    // end into a reset.
    if (this.#failure !== undefined) return DISCARDED;
    const body = this.#body;
    if (body !== undefined)
      return body.target.subarray(body.filled, Math.min(body.bodyBytes, body.filled + READ_BYTES));
    return this.#header.subarray(this.#headerFilled);
  }

  /** `bytes` have arrived in the last `#nextBuffer`. Reading always continues. */
  #received(bytes: number): boolean {
    if (this.#failure !== undefined) return true;
    const request = this.#request;
    if (request === undefined) {
      this.#fail(`${this.#service} sent data without a request`, undefined, 'SOURCE_PROTOCOL');
      return true;
    }
    this.#silenceWatch.received();
    this.#silences = 0;
    const body = this.#body;
    if (body === undefined) {
      this.#headerFilled += bytes;
      if (this.#headerFilled === MIRROR_HEADER_BYTES) this.#beginBody(request);
    } else {
      body.filled += bytes;
      if (body.filled === body.bodyBytes) this.#complete(request, body);
      else this.#arrived(request, body);
    }
    return true;
  }

  #arrived({ receiver }: Request, body: Body): void {
    if (receiver.arrived === undefined) return;
    const { clock } = this.#options;
    const beganMs = clock.nowMs();
    receiver.arrived(body.kind, body.filled, body.bodyBytes);
    body.receiverMs += clock.nowMs() - beganMs;
  }

  #beginBody(request: Request): void {
    this.#headerFilled = 0;
    const { size, type } = decodeMirrorHeader(this.#header);
    const reply = checkReplyHeader(size, type, request.channelCapacity);
    if (reply.kind === 'bad') {
      const message = `${this.#service} answered with an impossible update: ${reply.problem}`;
      this.#fail(message, undefined, 'SOURCE_PROTOCOL');
      return;
    }
    const { kind, bodyBytes, landsAt } = reply;
    const target = request.receiver.memoryFor(kind).subarray(landsAt, landsAt + bodyBytes);
    const beganMs = this.#options.clock.nowMs();
    const body: Body = { kind, target, bodyBytes, beganMs, filled: 0, receiverMs: 0 };
    if (bodyBytes === 0) this.#complete(request, body);
    else this.#body = body;
  }

  #complete({ requestedMs, resolve }: Request, body: Body): void {
    const { kind, bodyBytes, beganMs, receiverMs } = body;
    this.#body = undefined;
    this.#request = undefined;
    this.#hadReply = true;
    this.#silenceWatch.stop();
    const receivedMs = this.#options.clock.nowMs();
    const repliedMs = bodyBytes <= SEGMENT_BYTES ? beganMs : receivedMs - receiverMs;
    const sourceMs = repliedMs - requestedMs;
    resolve({ kind, bodyBytes, requestedMs, receivedMs, sourceMs });
  }

  /** The connection is not used any more; its socket is closed by `destroy` or by the source. */
  #fail(message: string, cause?: unknown, code: ErrorCode = 'SOURCE_UNREACHABLE'): void {
    if (this.#failure !== undefined) return;
    const { host, port } = this.#options;
    const failure = new MirrorflowError(code, message, { host, port }, cause);
    this.#failure = failure;
    this.#silenceWatch.stop();
    const request = this.#request;
    this.#request = undefined;
    request?.reject(failure);
    this.#options.signal.removeEventListener('abort', this.#abort);
    this.#opened?.(failure);
    this.#opened = undefined;
    if (this.#hadReply) this.#reset();
  }

  /** Ends the thread of SpecTcl that serves this connection without an end of the stream. */
  #reset(): void {
    if (!this.#socket.destroyed) this.#socket.resetAndDestroy();
  }

  get #service(): string {
    return `the mirror service at ${this.#options.host}:${this.#options.port}`;
  }
}
