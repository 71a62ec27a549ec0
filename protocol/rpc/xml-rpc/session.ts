/**
 * A session: one connection on which both sides may make XML-RPC calls, answered in any order.
 * Servers and clients, and servers among themselves, talk over sessions. When the connection ends,
 * every waiting call is rejected with CLOSED in the same turn of the event loop. Reads and writes
 * the stream that it is given; opens none.
 */
import type { Duplex } from 'node:stream';
import { EventEmitter } from 'eventemitter3';
import { systemClock, type Clock } from '../../base/clock.js';
import { describeError, MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { RecordReader } from '../security/record-reader.js';
import type { RecordProtection } from '../security/records.js';
import { decodeCall, decodeResponse, encodeCall, encodeError, encodeResponse } from './codec.js';
import type { Caller, CallOptions } from './contract.js';
import type { CallDispatcher } from './dispatcher.js';
import { errorForCaller } from './fault.js';
import { PendingCalls } from './pending-calls.js';
import { FRAME_HEADER_BYTES, encodeFrame, FrameReader, type Frame } from './session-framing.js';
import type { RpcValue } from './values.js';

/** Bounds of one session; tests set smaller ones. */
export interface SessionLimits {
  readonly bodyBytes: number;
  /** Concurrent calls of the other side; further calls are answered with LIMIT_REACHED. */
  readonly runningCalls: number;
  /** Unsent bytes for a peer that does not read; beyond this bound the session is destroyed. */
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
  /** Runs the calls of the other side. Without one, every call gets METHOD_NOT_FOUND. */
  readonly dispatcher?: CallDispatcher<Context>;
  /** Returns the context of the other side's calls; called once, at the start of the session. */
  readonly context: (session: RpcSession<Context>) => Context;
  readonly log: Logger;
  readonly limits?: Partial<SessionLimits>;
  readonly clock?: Clock;
  /** With it, every frame travels in a record with a MAC; without, the stream is trusted. */
  readonly protection?: RecordProtection | undefined;
}

interface SessionEvents {
  /**
   * Emitted once, at the end, with the error that ended the session, or undefined. The kernel
   * closes the connections of a killed process regularly, without an error.
   */
  close: [reason: MirrorflowError | undefined];
}

export class RpcSession<Context = undefined> extends EventEmitter<SessionEvents> implements Caller {
  /** Resolves when the connection is closed, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #stream: Duplex;
  readonly #options: SessionOptions<Context>;
  readonly #limits: SessionLimits;
  readonly #clock: Clock;
  readonly #context: Context;
  readonly #pending: PendingCalls;
  readonly #reader: FrameReader;
  readonly #records: RecordReader | undefined;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #runningCalls = 0;
  #reason: MirrorflowError | undefined;
  #cancelFrameTimer: (() => void) | undefined;
  #cancelGrace: (() => void) | undefined;
  #resolveClosed: () => void = () => undefined;

  /** Takes ownership of the stream, which must be connected. */
  constructor(stream: Duplex, options: SessionOptions<Context>) {
    super();
    this.#stream = stream;
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#pending = new PendingCalls(this.#clock);
    this.#reader = new FrameReader(this.#limits.bodyBytes);
    const { protection } = options;
    if (protection !== undefined) {
      this.#records = new RecordReader(protection.verifier, FRAME_HEADER_BYTES + this.#limits.bodyBytes);
    }
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
   * Calls the other side. Rejects with the error of the other side, INVALID_PARAMETERS or TOO_LARGE
   * for parameters that cannot be sent, LIMIT_REACHED, TIMED_OUT, or CLOSED if the session is or
   * becomes closed.
   */
  async call(method: string, params: readonly RpcValue[], options: CallOptions = {}): Promise<RpcValue> {
    if (this.#state !== 'open') throw this.#closedError();
    const document = encodeCall(method, params);
    if (document.length > this.#limits.bodyBytes) throw this.#tooLarge(`the call of ${method}`, document);
    if (this.#stream.writableLength > this.#limits.unsentBytes) {
      throw new MirrorflowError('LIMIT_REACHED', `${method}: the other side does not read its calls`, {
        method,
      });
    }
    return this.#pending.add(method, options, (callId) => {
      this.#send(encodeFrame('call', callId, document));
    });
  }

  /**
   * Refuses new calls, waits for the running calls of both sides (for a bounded time) and closes
   * the connection. Idempotent.
   */
  close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing';
      this.#cancelGrace = this.#clock.after(this.#limits.closeGraceMs, () => this.destroy());
      this.#endWhenDone();
    }
    return this.closed;
  }

  /** Closes the connection now and rejects waiting calls with CLOSED. `error` is the reason. */
  destroy(error?: MirrorflowError): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#reason ??= error;
    this.#pending.rejectAll(this.#closedError());
    this.#stream.destroy();
  }

  #send(frame: Buffer): void {
    this.#stream.write(this.#options.protection?.sealer.record(frame) ?? frame);
  }

  #receive(bytes: Buffer): void {
    const records = this.#records;
    if (records === undefined) return this.#receiveFrames(bytes);
    records.push(bytes);
    for (let content = records.next(); content !== undefined; content = records.next()) {
      this.#receiveFrames(content);
      if (this.#state === 'closed') return;
      if (this.#reader.partial) return this.#drop(badRecord('a record ends within a message'));
    }
    if (records.problem !== undefined) this.#drop(badRecord(records.problem));
    else this.#watchFrame(false);
  }

  #receiveFrames(bytes: Buffer): void {
    const frames = this.#reader.push(bytes);
    for (const frame of frames) {
      if (this.#state === 'closed') return;
      if (frame.kind === 'call') this.#receiveCall(frame);
      else if (!this.#pending.settle(frame.callId, () => decodeResponse(frame.body))) {
        this.#options.log.debug('response without a waiting call', { callId: frame.callId });
      }
    }
    if (this.#reader.error !== undefined) this.#drop(this.#reader.error);
    this.#watchFrame(frames.length > 0);
  }

  /**
   * Bounds the time of an incomplete frame, so that a slow sender does not occupy memory forever.
   */
  #watchFrame(completed: boolean): void {
    if (completed) {
      // Each frame has its own timeout.
      this.#cancelFrameTimer?.();
      this.#cancelFrameTimer = undefined;
    }
    if (!this.#isPartial || this.#cancelFrameTimer !== undefined || this.#state === 'closed') return;
    const { frameTimeoutMs } = this.#limits;
    this.#cancelFrameTimer = this.#clock.after(
      frameTimeoutMs,
      () => {
        const message = `a message was not completed within ${frameTimeoutMs} ms`;
        this.#drop(new MirrorflowError('BAD_MESSAGE', message, { frameTimeoutMs }));
      },
      true,
    );
  }

  get #isPartial(): boolean {
    return this.#reader.partial || this.#records?.partial === true;
  }

  #receiveCall({ callId, body }: Frame): void {
    if (this.#runningCalls >= this.#limits.runningCalls) {
      const message = `${this.#limits.runningCalls} calls of this session are already running; wait for their results`;
      this.#respond(callId, encodeError(new MirrorflowError('LIMIT_REACHED', message)));
      return;
    }
    this.#runningCalls += 1;
    void this.#run(body).then((document) => {
      this.#runningCalls -= 1;
      this.#respond(callId, document);
      this.#endWhenDone();
    });
  }

  /** Never rejects: every error becomes a fault. Decodes the body before the first await. */
  async #run(body: Uint8Array): Promise<Buffer> {
    try {
      const { method, params } = decodeCall(body);
      if (this.#state !== 'open') throw this.#closedError();
      const { dispatcher } = this.#options;
      if (dispatcher === undefined) {
        throw new MirrorflowError('METHOD_NOT_FOUND', `${method}: this side accepts no calls`, { method });
      }
      const document = encodeResponse(await dispatcher.dispatch(method, params, this.#context));
      if (document.length > this.#limits.bodyBytes) throw this.#tooLarge(`the result of ${method}`, document);
      return document;
    } catch (thrown) {
      return encodeError(errorForCaller(thrown));
    }
  }

  #respond(callId: number, document: Buffer): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    this.#send(encodeFrame('response', callId, document));
    if (this.#stream.writableLength > this.#limits.unsentBytes) {
      const message = 'the other side makes calls and does not read the responses';
      this.#drop(new MirrorflowError('LIMIT_REACHED', message, { unsentBytes: this.#limits.unsentBytes }));
    }
  }

  /** Destroys the session because of an error of the other side. */
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

  /** The other side has ended its direction: no response will arrive, and none is expected. */
  #peerEnded(): void {
    if (this.#isPartial) {
      this.#reason ??= new MirrorflowError('BAD_MESSAGE', 'the connection ended within a message');
      this.#options.log.warn('session interrupted', { error: this.#reason });
    }
    if (this.#state === 'open') this.#state = 'closing';
    this.#pending.rejectAll(this.#closedError());
    this.#stream.end();
    // A peer that neither sends nor reads would keep the connection open.
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

function badRecord(problem: string): MirrorflowError {
  return new MirrorflowError('BAD_MESSAGE', problem);
}
