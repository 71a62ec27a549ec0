/**
 * A session: one permanent connection on which both sides may call. Calls of either side are
 * answered in any order. When the connection ends, every call that waits is rejected with CLOSED in
 * the same turn.
 */
import type { Duplex } from 'node:stream';
import { EventEmitter } from 'eventemitter3';
import { systemClock, type Clock } from '../../base/clock.js';
import { describeError, MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { decodeCall, decodeResponse, encodeCall, encodeError, encodeResponse } from './codec.js';
import type { Caller, CallOptions } from './contract.js';
import type { CallDispatcher } from './dispatcher.js';
import { errorForCaller } from './fault.js';
import { PendingCalls } from './pending-calls.js';
import { encodeFrame, FrameReader, type Frame } from './session-framing.js';
import type { RpcValue } from './values.js';

/** Bounds of one session; a test sets smaller ones. */
export interface SessionLimits {
  readonly bodyBytes: number;
  /** Calls of the other side that may run at a time; more are answered with LIMIT_REACHED. */
  readonly runningCalls: number;
  /** Bytes that may wait for a peer that does not read, beyond which the session is destroyed. */
  readonly unsentBytes: number;
  /** From the first byte of a frame to its last. */
  readonly frameTimeoutMs: number;
  /** How long close() waits for calls of both sides. */
  readonly closeGraceMs: number;
}

const DEFAULT_LIMITS: SessionLimits = {
  bodyBytes: LIMITS.rpcBodyBytes,
  runningCalls: LIMITS.rpcPendingCalls,
  unsentBytes: 4 * LIMITS.rpcBodyBytes,
  frameTimeoutMs: 30_000,
  closeGraceMs: 5_000,
};

export interface SessionOptions<Context> {
  /** Runs the calls of the other side; without one, each is answered with METHOD_NOT_FOUND. */
  readonly dispatcher?: CallDispatcher<Context>;
  /** The context of the other side's calls; asked once. */
  readonly context: (session: RpcSession<Context>) => Context;
  readonly log: Logger;
  readonly limits?: Partial<SessionLimits>;
  readonly clock?: Clock;
}

interface SessionEvents {
  /**
   * Once, at the end: why the session ended, undefined when the connection closed without an error.
   * The kernel closes for a killed peer too, so that its end looks like one in good order.
   */
  close: [reason: MirrorflowError | undefined];
}

export class RpcSession<Context = undefined> extends EventEmitter<SessionEvents> implements Caller {
  /** Resolves when the connection is closed, however that came. */
  readonly closed: Promise<void>;
  readonly #stream: Duplex;
  readonly #options: SessionOptions<Context>;
  readonly #limits: SessionLimits;
  readonly #clock: Clock;
  readonly #context: Context;
  readonly #pending: PendingCalls;
  readonly #reader: FrameReader;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #runningCalls = 0;
  #reason: MirrorflowError | undefined;
  #cancelFrameTimer: (() => void) | undefined;
  #cancelGrace: (() => void) | undefined;
  #resolveClosed: () => void = () => undefined;

  /** Owns the stream from now on, which must be connected. */
  constructor(stream: Duplex, options: SessionOptions<Context>) {
    super();
    this.#stream = stream;
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#pending = new PendingCalls(this.#clock);
    this.#reader = new FrameReader(this.#limits.bodyBytes);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#context = options.context(this);
    this.#pending.onEmpty(() => this.#endWhenDone());
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('end', () => this.#peerEnded());
    stream.on('error', (error) => {
      this.#reason ??= new MirrorflowError(
        'TRANSPORT_ERROR',
        `the connection failed: ${describeError(error)}`,
        {},
        error,
      );
    });
    stream.on('close', () => this.#finish());
    if (stream.destroyed) queueMicrotask(() => this.#finish());
  }

  get state(): 'open' | 'closing' | 'closed' {
    return this.#state;
  }

  /**
   * Calls the other side. Rejects with its error, INVALID_PARAMETERS or TOO_LARGE for what cannot
   * be sent, LIMIT_REACHED, TIMED_OUT, or CLOSED when the session is or gets closed.
   */
  async call(method: string, params: readonly RpcValue[], options: CallOptions = {}): Promise<RpcValue> {
    if (this.#state !== 'open') throw this.#closedError();
    const document = encodeCall(method, params);
    if (document.length > this.#limits.bodyBytes) throw this.#tooLarge(`the call of ${method}`, document);
    if (this.#stream.writableLength > this.#limits.unsentBytes) {
      throw new MirrorflowError('LIMIT_REACHED', `${method}: the other side does not read`, { method });
    }
    return this.#pending.add(method, options, (callId) => {
      this.#stream.write(encodeFrame('call', callId, document));
    });
  }

  /**
   * Makes no new calls, finishes those of both sides (for a bounded time), and closes the
   * connection.
   */
  close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing';
      this.#cancelGrace = this.#clock.after(this.#limits.closeGraceMs, () => this.destroy());
      this.#endWhenDone();
    }
    return this.closed;
  }

  /**
   * Gives up at once: calls that wait are rejected with CLOSED. `error` becomes the reason of the
   * close event.
   */
  destroy(error?: MirrorflowError): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#reason ??= error;
    this.#pending.rejectAll(this.#closedError());
    this.#stream.destroy();
  }

  #receive(chunk: Buffer): void {
    const frames = this.#reader.push(chunk);
    for (const frame of frames) {
      if (this.#state === 'closed') return;
      if (frame.kind === 'call') this.#receiveCall(frame);
      else if (!this.#pending.settle(frame.callId, () => decodeResponse(frame.body))) {
        this.#options.log.debug('a response that nobody waits for', { callId: frame.callId });
      }
    }
    if (this.#reader.error !== undefined) this.#drop(this.#reader.error);
    this.#watchFrame(frames.length > 0);
  }

  /** A frame that has begun must end: a slow or stuck sender does not hold its memory for ever. */
  #watchFrame(completed: boolean): void {
    if (completed) {
      // The time runs per frame; the next one gets its own.
      this.#cancelFrameTimer?.();
      this.#cancelFrameTimer = undefined;
    }
    if (!this.#reader.partial || this.#cancelFrameTimer !== undefined || this.#state === 'closed') return;
    const { frameTimeoutMs } = this.#limits;
    this.#cancelFrameTimer = this.#clock.after(
      frameTimeoutMs,
      () => {
        const message = `a message has not been completed within ${frameTimeoutMs} ms`;
        this.#drop(new MirrorflowError('BAD_MESSAGE', message, { frameTimeoutMs }));
      },
      true,
    );
  }

  #receiveCall({ callId, body }: Frame): void {
    if (this.#runningCalls >= this.#limits.runningCalls) {
      const message = `${this.#limits.runningCalls} calls of this session run already`;
      this.#respond(callId, encodeError(new MirrorflowError('LIMIT_REACHED', message), true));
      return;
    }
    this.#runningCalls += 1;
    void this.#run(body).then((document) => {
      this.#runningCalls -= 1;
      this.#respond(callId, document);
      this.#endWhenDone();
    });
  }

  /**
   * Never rejects: whatever goes wrong becomes a fault. The body is decoded before the first await.
   */
  async #run(body: Uint8Array): Promise<Buffer> {
    try {
      const { method, params } = decodeCall(body);
      if (this.#state !== 'open') throw this.#closedError();
      const { dispatcher } = this.#options;
      if (dispatcher === undefined) {
        throw new MirrorflowError('METHOD_NOT_FOUND', `${method}: this side takes no calls`, { method });
      }
      const document = encodeResponse(await dispatcher.dispatch(method, params, this.#context));
      if (document.length > this.#limits.bodyBytes) throw this.#tooLarge(`the result of ${method}`, document);
      return document;
    } catch (thrown) {
      return encodeError(errorForCaller(thrown), true);
    }
  }

  #respond(callId: number, document: Buffer): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    this.#stream.write(encodeFrame('response', callId, document));
    if (this.#stream.writableLength > this.#limits.unsentBytes) {
      const message = 'the other side calls and does not read the answers';
      this.#drop(new MirrorflowError('LIMIT_REACHED', message, { unsentBytes: this.#limits.unsentBytes }));
    }
  }

  /** Destroys the session for something the other side did. */
  #drop(error: MirrorflowError): void {
    if (this.#state === 'closed') return;
    this.#options.log.warn('session dropped', { error });
    this.destroy(error);
  }

  #endWhenDone(): void {
    if (this.#state === 'closing' && this.#runningCalls === 0 && this.#pending.count === 0) {
      this.#stream.end();
    }
  }

  /** The other side sends no more: what we wait for will not come, and it does not wait for us. */
  #peerEnded(): void {
    if (this.#reader.partial) {
      this.#reason ??= new MirrorflowError('BAD_MESSAGE', 'the connection ended in the middle of a message');
      this.#options.log.warn('session cut', { error: this.#reason });
    }
    if (this.#state === 'open') this.#state = 'closing';
    this.#pending.rejectAll(this.#closedError());
    this.#stream.end();
    // A peer that sends no more and does not read either would keep the connection open.
    this.#cancelGrace ??= this.#clock.after(this.#limits.closeGraceMs, () => this.destroy(), true);
  }

  #finish(): void {
    this.#state = 'closed';
    this.#cancelFrameTimer?.();
    this.#cancelGrace?.();
    this.#pending.rejectAll(this.#closedError());
    this.#resolveClosed();
    this.emit('close', this.#reason);
    this.removeAllListeners();
  }

  #closedError(): MirrorflowError {
    const why = this.#reason === undefined ? '' : `: ${this.#reason.message}`;
    return new MirrorflowError('CLOSED', `the session is closed${why}`, {}, this.#reason);
  }

  #tooLarge(what: string, document: Buffer): MirrorflowError {
    const { bodyBytes } = this.#limits;
    return new MirrorflowError(
      'TOO_LARGE',
      `${what} has ${document.length} bytes; a message has at most ${bodyBytes}`,
      { bytes: document.length, limitBytes: bodyBytes },
    );
  }
}
