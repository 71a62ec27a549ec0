/**
 * One connection to the duplicator that sends the flow: handshake, then frames into the sink,
 * straight into their places over TCP. It says what has come, and is over when the link is, or when
 * nothing is heard on it any more.
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { formatAddress, type AddressOf } from '../../protocol/base/address.js';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import type { Secret } from '../../protocol/rpc/security/secret.js';
import type { TlsTrust } from '../../protocol/rpc/security/tls.js';
import { DELIVERY_DETAIL, FrameKind, controlFrame } from '../../protocol/flow/wire/frame.js';
import { FrameReader } from '../../protocol/flow/wire/frame-reader.js';
import { CallerHandshake } from '../../protocol/flow/wire/handshake.js';
import type { WireHello, WireWelcome } from '../../protocol/flow/wire/handshake-messages.js';
import type { Delivery } from '../serving/consumer-registry.js';
import type { FlowSink } from './flow-sink.js';
import { KeepAlive } from './keep-alive.js';

/** Bytes of one read of the handshake. */
const HANDSHAKE_READ_BYTES = 16 * 1024;
/**
 * What came is acknowledged after so long at the latest; the sender needs it sooner only where a
 * quarter of its ring is full.
 */
const ACKNOWLEDGE_WITHIN_MS = 20;
/** Buffers that come within so many milliseconds become visible together. */
const TOGETHER_MS = 0.25;

export interface UpstreamOptions {
  readonly address: AddressOf<'tcp' | 'tls'>;
  readonly secret: Secret;
  readonly trust: TlsTrust;
  readonly hello: WireHello;
  /** Connection and handshake together. */
  readonly withinMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface UpstreamHooks {
  /** Makes what frames go into. Throws to refuse what the other side has. */
  welcomed(welcome: WireWelcome): Promise<FlowSink>;
  /** Something came and is visible. */
  received(bytes: number): void;
}

export class UpstreamLink {
  readonly #options: UpstreamOptions;
  readonly #hooks: UpstreamHooks;
  readonly #socket: Socket;
  readonly #handshake: CallerHandshake;
  readonly #handshakeBytes = Buffer.allocUnsafeSlow(HANDSHAKE_READ_BYTES);
  #reader: FrameReader | undefined;
  #sink: FlowSink | undefined;
  #keepAlive: KeepAlive | undefined;
  #cancelDeadline: () => void;
  #cancelAcknowledge: (() => void) | undefined;
  #acknowledged = 0;
  #waitingForRoom = false;
  /**
   * When something became visible last; whether that waits for the end of a burst, and the burst
   * goes on.
   */
  #flushed = 0;
  #deferred = false;
  #more = false;
  /** Bytes since the last flush. */
  #received = 0;
  #ended = false;
  readonly #end: (error: MirrorflowError) => void;
  /** Rejects when the link is over: it never lasts. */
  readonly over: Promise<never>;
  readonly #abort = (): void => this.close();

  constructor(options: UpstreamOptions, hooks: UpstreamHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#handshake = new CallerHandshake(options.secret, options.hello);
    const ending: { reject: (error: MirrorflowError) => void } = { reject: () => undefined };
    this.over = new Promise((_, reject) => (ending.reject = reject));
    this.#end = ending.reject;
    this.over.catch(() => undefined);
    this.#socket = this.#connect();
    this.#socket.on('error', (error) => this.#lose(`the link failed: ${describeError(error)}`, error));
    this.#socket.on('close', () => this.#lose('it closed the link'));
    this.#cancelDeadline = options.clock.after(options.withinMs, () =>
      this.#lose(`it did not answer within ${options.withinMs} ms`),
    );
    if (options.signal.aborted) this.close();
    else options.signal.addEventListener('abort', this.#abort, { once: true });
  }

  /** Asks for another delivery; the answer comes as a DELIVERY frame. */
  deliver(delivery: Delivery): void {
    this.#say(controlFrame(FrameKind.DELIVERY, 0, 0, DELIVERY_DETAIL[delivery]));
  }

  /** Says that nobody is to wait for this host, and ends. Idempotent. */
  close(): void {
    if (this.#ended) return;
    if (this.#sink !== undefined) this.#socket.end(controlFrame(FrameKind.BYE));
    this.#lose('the link was closed here', undefined, this.#sink !== undefined);
  }

  #connect(): Socket {
    const { address, trust } = this.#options;
    const { host, port } = address;
    const greet = (): void => void this.#socket.write(this.#handshake.hello());
    if (address.scheme === 'tls') {
      const named = isIP(host) === 0 ? { servername: host } : {};
      const ca = trust.ca === undefined ? {} : { ca: trust.ca };
      const socket = connectTls({ host, port, ...named, ...ca, minVersion: 'TLSv1.2' }, greet);
      socket.setNoDelay(true);
      // What TLS has decrypted is copied to its place.
      socket.on('data', (chunk: Buffer) => this.#tookCopy(chunk));
      return socket;
    }
    const onread = {
      buffer: () => this.#reader?.nextBuffer() ?? this.#handshakeBytes,
      callback: (bytes: number) => this.#took(bytes),
    };
    return connectTcp({ host, port, noDelay: true, onread }, greet);
  }

  /** Over TCP: so many bytes are where they were wanted. False stops the reading. */
  #took(bytes: number): boolean {
    const reader = this.#reader;
    if (this.#ended) return false;
    if (reader === undefined) return this.#shake(Buffer.from(this.#handshakeBytes.subarray(0, bytes)));
    const goesOn = reader.took(bytes);
    this.#keepAlive?.heard();
    this.#settle(reader, bytes);
    return goesOn && !this.#ended;
  }

  #tookCopy(chunk: Buffer): void {
    const reader = this.#reader;
    if (this.#ended) return;
    if (reader === undefined) {
      if (!this.#shake(chunk)) this.#socket.pause();
      return;
    }
    if (!reader.feed(chunk)) this.#socket.pause();
    this.#keepAlive?.heard();
    this.#settle(reader, chunk.length);
  }

  /** False while the flow is made: nothing more is read until it is there. */
  #shake(chunk: Buffer): boolean {
    const step = this.#handshake.push(chunk);
    switch (step.kind) {
      case 'more':
        if (step.send !== undefined) this.#socket.write(step.send);
        return true;
      case 'failed':
        this.#fail(step.error);
        return false;
      case 'welcomed':
        void this.#begin(step.welcome, step.rest);
        return false;
    }
  }

  async #begin(welcome: WireWelcome, rest: Buffer): Promise<void> {
    this.#cancelDeadline();
    try {
      const sink = await this.#hooks.welcomed(welcome);
      if (this.#ended) return;
      sink.begin();
      this.#sink = sink;
      this.#acknowledged = sink.next;
      const reader = new FrameReader(sink);
      this.#keepAlive = new KeepAlive(this.#options.clock, {
        say: () => void this.#socket.write(controlFrame(FrameKind.ALIVE)),
        silent: () => this.#lose('nothing was heard on the link any more'),
        listening: () => !reader.blocked,
      });
      // What the socket reads first goes where the handshake's bytes went: that place was asked for
      // before.
      reader.adopt(this.#handshakeBytes);
      this.#reader = reader;
      const goesOn = reader.feed(rest);
      this.#settle(reader, rest.length);
      if (goesOn) this.#socket.resume();
    } catch (thrown) {
      this.#fail(
        thrown instanceof MirrorflowError
          ? thrown
          : new MirrorflowError('SYSTEM_ERROR', describeError(thrown), {}, thrown),
      );
    }
  }

  /**
   * After bytes have come. What is whole becomes visible at once, unless something did a moment
   * ago: then by the quarter ring, or when no more comes. Waking consumers costs more than
   * receiving a buffer.
   */
  #settle(reader: FrameReader, bytes: number): void {
    const sink = this.#sink;
    if (sink === undefined || this.#ended) return;
    this.#received += bytes;
    if (reader.problem !== undefined) {
      this.#flush(sink);
      this.#lose(reader.problem, undefined, false, 'SOURCE_PROTOCOL');
    } else if (reader.blocked) {
      this.#flush(sink);
      void this.#waitForRoom(reader, sink);
    } else if (sink.unseen > 0 || this.#flushed === 0) this.#flushSoon(sink);
    // A frame that is no buffer makes what came before it visible: the sender may wait to hear of
    // it.
    else if (sink.next > this.#acknowledged) this.#flush(sink);
  }

  #flushSoon(sink: FlowSink): void {
    const nowMs = this.#options.clock.nowMs();
    if (sink.unseen >= sink.acknowledgeEvery || nowMs - this.#flushed >= TOGETHER_MS) {
      this.#flushed = nowMs;
      this.#flush(sink);
      return;
    }
    this.#more = true;
    if (!this.#deferred) this.#defer(sink);
  }

  /** Flushes after the first turn of the event loop that brings nothing more. */
  #defer(sink: FlowSink): void {
    this.#deferred = true;
    this.#more = false;
    setImmediate(() => {
      this.#deferred = false;
      if (this.#ended || sink.unseen === 0) return;
      if (this.#more) this.#defer(sink);
      else this.#flush(sink);
    });
  }

  #flush(sink: FlowSink): void {
    this.#acknowledge(sink, sink.flush());
    this.#hooks.received(this.#received);
    this.#received = 0;
  }

  async #waitForRoom(reader: FrameReader, sink: FlowSink): Promise<void> {
    if (this.#waitingForRoom) return;
    this.#waitingForRoom = true;
    for (let goesOn = false; !goesOn && !this.#ended;) {
      this.#acknowledgeNow(sink.next);
      await sink.room();
      if (this.#ended) break;
      goesOn = reader.resume();
      this.#flush(sink);
      if (reader.problem !== undefined) this.#lose(reader.problem, undefined, false, 'SOURCE_PROTOCOL');
    }
    this.#waitingForRoom = false;
    if (!this.#ended) this.#socket.resume();
  }

  #acknowledge(sink: FlowSink, sequence: number): void {
    const news = sequence - this.#acknowledged;
    if (news <= 0) return;
    if (news >= sink.acknowledgeEvery) this.#acknowledgeNow(sequence);
    else
      this.#cancelAcknowledge ??= this.#options.clock.after(ACKNOWLEDGE_WITHIN_MS, () => {
        this.#cancelAcknowledge = undefined;
        this.#acknowledgeNow(sink.next - sink.unseen);
      });
  }

  #acknowledgeNow(sequence: number): void {
    if (sequence <= this.#acknowledged || this.#ended) return;
    this.#acknowledged = sequence;
    this.#say(controlFrame(FrameKind.ACK, sequence));
  }

  #say(frame: Buffer): void {
    if (this.#ended || this.#sink === undefined) return;
    this.#socket.write(frame);
    this.#keepAlive?.said();
  }

  #lose(
    reason: string,
    cause?: unknown,
    gently = false,
    code: 'SOURCE_UNREACHABLE' | 'SOURCE_PROTOCOL' = 'SOURCE_UNREACHABLE',
  ): void {
    const at = formatAddress(this.#options.address);
    this.#fail(
      new MirrorflowError(code, `the duplicator at ${at}: ${reason}`, { address: at }, cause),
      gently,
    );
  }

  #fail(error: MirrorflowError, gently = false): void {
    if (this.#ended) return;
    // What has come whole counts: the next link goes on behind it.
    if (this.#sink !== undefined && this.#sink.unseen > 0) {
      this.#sink.flush();
      this.#hooks.received(this.#received);
    }
    this.#ended = true;
    this.#cancelDeadline();
    this.#cancelAcknowledge?.();
    this.#keepAlive?.stop();
    this.#options.signal.removeEventListener('abort', this.#abort);
    if (gently) this.#socket.destroySoon();
    else this.#socket.destroy();
    this.#end(error);
  }
}
