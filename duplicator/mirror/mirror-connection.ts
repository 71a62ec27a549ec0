/**
 * The TCP connection to a SpecTcl mirror service: one request at a time, each reply's body received
 * straight into the buffer that the caller gives for it (a slot of the mapped flow file), with no
 * copy in user space.
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

export interface Reply {
  readonly kind: 'full' | 'partial';
  /** Bytes of the body, which now stand at the offset it lands at. */
  readonly bodyBytes: number;
  readonly requestedMs: number;
  readonly receivedMs: number;
}

/**
 * Where the next reply goes: the start of a display memory that has room for the header and
 * `channelCapacity` bytes.
 */
export type SlotSupplier = (kind: 'full' | 'partial') => Buffer;

/**
 * Told after each read how many bytes of the body have arrived, and of how many, except for the
 * last one, which ends the request.
 */
export type ArrivalListener = (kind: 'full' | 'partial', arrivedBytes: number, bodyBytes: number) => void;

/** Most bytes of a read: what is compared right after it is then still in the cache of its core. */
const READ_BYTES = 256 * 1024;

export interface MirrorConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** Longest wait for the connection, milliseconds. */
  readonly connectMs: number;
  /** Longest silence while a reply is awaited, milliseconds. */
  readonly silenceMs: number;
  readonly clock: Clock;
  /** Gives up, also while connecting. */
  readonly signal: AbortSignal;
}

interface Pending {
  readonly channelCapacity: number;
  readonly supplier: SlotSupplier;
  readonly arrived: ArrivalListener;
  readonly requestedMs: number;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

interface Body {
  readonly kind: 'full' | 'partial';
  readonly target: Buffer;
  readonly bodyBytes: number;
  filled: number;
}

export class MirrorConnection {
  readonly #options: MirrorConnectionOptions;
  readonly #socket: Socket;
  readonly #header = Buffer.alloc(MIRROR_HEADER_BYTES);
  #headerFilled = 0;
  #body: Body | undefined;
  #pending: Pending | undefined;
  #failure: MirrorflowError | undefined;
  #silence: (() => void) | undefined;
  #silent = false;
  #opened: ((error?: MirrorflowError) => void) | undefined;
  readonly #abort = (): void => this.destroy();

  private constructor(options: MirrorConnectionOptions, opened: (error?: MirrorflowError) => void) {
    this.#options = options;
    this.#opened = opened;
    this.#socket = connect({
      host: options.host,
      port: options.port,
      noDelay: true,
      onread: {
        // The buffer is asked for again after every read: the rest of the header, or the rest of
        // the body in its slot.
        buffer: () => this.#nextBuffer(),
        callback: (bytes) => this.#take(bytes),
      },
    });
    this.#watchSilence(`${this.#where()} did not answer the connection`, options.connectMs);
    this.#socket.once('connect', () => {
      this.#silence?.();
      this.#opened?.();
      this.#opened = undefined;
    });
    this.#socket.on('error', (error) =>
      this.#lose(`the connection to ${this.#where()} failed: ${describeError(error)}`, error),
    );
    this.#socket.on('close', () => this.#lose(`${this.#where()} closed the connection`));
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
   * Asks for an update of at most `channelCapacity` bytes of channels. `supplier` is called when
   * the reply's header has come, once, for the memory it lands in. Rejects with SOURCE_UNREACHABLE
   * when the connection is lost and SOURCE_PROTOCOL when the reply is impossible; both end the
   * connection.
   */
  async request(
    channelCapacity: number,
    supplier: SlotSupplier,
    arrived: ArrivalListener = () => undefined,
  ): Promise<Reply> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#pending !== undefined) throw new Error('a request is in flight already');
    return new Promise((resolve, reject) => {
      this.#pending = {
        channelCapacity,
        supplier,
        arrived,
        requestedMs: this.#options.clock.nowMs(),
        resolve,
        reject,
      };
      this.#socket.write(encodeRequestUpdate());
      this.#watchSilence(
        `${this.#where()} sent nothing of an update that was asked for`,
        this.#options.silenceMs,
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

  #take(bytes: number): boolean {
    if (this.#failure !== undefined) return false;
    if (this.#pending === undefined) {
      this.#lose(`${this.#where()} sent data that nobody asked for`, undefined, 'SOURCE_PROTOCOL');
      return false;
    }
    this.#silent = false;
    const body = this.#body;
    if (body === undefined) {
      this.#headerFilled += bytes;
      if (this.#headerFilled === MIRROR_HEADER_BYTES) this.#beginBody(this.#pending);
    } else {
      body.filled += bytes;
      if (body.filled === body.bodyBytes) this.#complete(this.#pending, body);
      else this.#pending.arrived(body.kind, body.filled, body.bodyBytes);
    }
    return true;
  }

  #beginBody(pending: Pending): void {
    this.#headerFilled = 0;
    const { size, type } = decodeMirrorHeader(this.#header);
    const reply = checkReplyHeader(size, type, pending.channelCapacity);
    if (reply.kind === 'bad') {
      this.#lose(
        `${this.#where()} answered with an impossible update: ${reply.problem}`,
        undefined,
        'SOURCE_PROTOCOL',
      );
      return;
    }
    const { kind, bodyBytes, landsAt } = reply;
    const body: Body = {
      kind,
      target: pending.supplier(kind).subarray(landsAt, landsAt + bodyBytes),
      bodyBytes,
      filled: 0,
    };
    if (bodyBytes === 0) this.#complete(pending, body);
    else this.#body = body;
  }

  #complete(pending: Pending, body: Body): void {
    this.#body = undefined;
    this.#pending = undefined;
    this.#silence?.();
    pending.resolve({
      kind: body.kind,
      bodyBytes: body.bodyBytes,
      requestedMs: pending.requestedMs,
      receivedMs: this.#options.clock.nowMs(),
    });
  }

  /**
   * Gives up when nothing arrives for so long. One timer per request; a read only clears a flag,
   * which costs nothing. Where this process itself stood still, what has arrived meanwhile is read
   * before the verdict: timers come first in a turn of the event loop.
   */
  #watchSilence(complaint: string, silenceMs: number): void {
    this.#silence?.();
    const { clock } = this.#options;
    const again = (next: () => void, delayMs: number): void =>
      void (this.#silence = clock.after(delayMs, next));
    const judge = (): void => {
      if (this.#silent) this.#lose(`${complaint} for ${silenceMs} ms`);
      else begin();
    };
    const look = (): void => (this.#silent ? again(judge, 0) : begin());
    const begin = (): void => {
      this.#silent = true;
      again(look, silenceMs);
    };
    begin();
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
    this.#silence?.();
    this.#socket.destroy();
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(failure);
    this.#options.signal.removeEventListener('abort', this.#abort);
    this.#opened?.(failure);
    this.#opened = undefined;
  }

  #where(): string {
    return `the mirror service at ${this.#options.host}:${this.#options.port}`;
  }
}
