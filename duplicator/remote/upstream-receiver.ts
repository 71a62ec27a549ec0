/**
 * Receives the frames of a welcomed link from the sender of a flow: bytes go through FrameReader
 * into the sink (over TCP straight into their slots), what has arrived is published in batches and
 * acknowledged, and reading is suspended while the ring has no free slot. One per link, made by
 * UpstreamLink, which owns the socket; this object writes acknowledgements and signs of life to it.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../../protocol/base/clock.js';
import { FrameKind, controlFrame } from '../../protocol/flow/wire/frame.js';
import { FrameReader, type LinkReader } from '../../protocol/flow/wire/frame-reader.js';
import { SealedFrameReader, recordLimit } from '../../protocol/flow/wire/sealed-frame-reader.js';
import type { RecordProtection } from '../../protocol/rpc/security/records.js';
import { Acknowledger } from './acknowledger.js';
import type { FlowSink } from './flow-sink.js';
import { FrameWriter } from './frame-writer.js';
import { KeepAlive, SILENCE_MS } from './keep-alive.js';
import { PublicationBatch } from './publication-batch.js';

export interface ReceiverHooks {
  /** `bytes` have arrived since the last call, and what is complete among them is published. */
  received(bytes: number): void;
  /** The sender violates the protocol. */
  violated(problem: string): void;
  /** Nothing arrived for too long. */
  silent(reason: string): void;
}

export class UpstreamReceiver {
  readonly #socket: Socket;
  readonly #sink: FlowSink;
  readonly #hooks: ReceiverHooks;
  readonly #reader: LinkReader;
  readonly #writer: FrameWriter;
  readonly #keepAlive: KeepAlive;
  readonly #acknowledger: Acknowledger;
  readonly #batch: PublicationBatch;
  #waitingForRoom = false;
  /** Bytes since the last flush. */
  #receivedBytes = 0;
  #stopped = false;

  /** `protection`: of all frames; undefined where they have no MAC. */
  constructor(
    socket: Socket,
    sink: FlowSink,
    protection: RecordProtection | undefined,
    clock: Clock,
    hooks: ReceiverHooks,
  ) {
    this.#socket = socket;
    this.#sink = sink;
    this.#hooks = hooks;
    sink.begin();
    const writer = new FrameWriter(socket, protection?.sealer);
    this.#writer = writer;
    const reader =
      protection === undefined
        ? new FrameReader(sink)
        : new SealedFrameReader(sink, protection.verifier, recordLimit(sink));
    this.#reader = reader;
    this.#acknowledger = new Acknowledger(clock, sink, (sequence) =>
      this.send(controlFrame(FrameKind.ACK, sequence)),
    );
    this.#batch = new PublicationBatch(clock, sink, () => this.#flush());
    this.#keepAlive = new KeepAlive(clock, {
      send: () => writer.write(controlFrame(FrameKind.ALIVE)),
      silent: () => hooks.silent(`nothing was received on the link for ${SILENCE_MS} ms`),
      isReading: () => !reader.blocked,
    });
  }

  /**
   * Takes the bytes that arrived behind the handshake, then lets the socket read.
   * @param readBuffer where the socket's next read goes: it asked for this buffer before
   */
  start(rest: Buffer, readBuffer: Buffer): void {
    this.#reader.adoptBuffer(readBuffer);
    const mayRead = this.#reader.feed(rest);
    this.#settle(rest.length);
    if (mayRead) this.#socket.resume();
  }

  /** Where the socket's next read goes. */
  nextBuffer(): Buffer {
    return this.#reader.nextBuffer();
  }

  /** `bytes` have arrived in the last `nextBuffer`. False suspends the reading. */
  receivedInPlace(bytes: number): boolean {
    const mayRead = this.#reader.received(bytes);
    this.#keepAlive.received();
    this.#settle(bytes);
    return mayRead && !this.#stopped;
  }

  /** Bytes that arrived elsewhere; they are copied. False suspends the reading. */
  receivedCopy(chunk: Buffer): boolean {
    const mayRead = this.#reader.feed(chunk);
    this.#keepAlive.received();
    this.#settle(chunk.length);
    return mayRead;
  }

  /** Writes a control frame to the sender; nothing once stopped. */
  send(frame: Buffer): void {
    if (this.#stopped) return;
    this.#writer.write(frame);
    this.#keepAlive.sent();
  }

  /** Sends BYE and closes this direction of the socket. */
  end(): void {
    this.#writer.end(controlFrame(FrameKind.BYE));
  }

  /** Publishes what has arrived whole, so that the next link continues behind it. Idempotent. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#keepAlive.stop();
    this.#acknowledger.stop();
    this.#batch.stop();
    if (this.#sink.unseen === 0) return;
    this.#sink.flush();
    this.#hooks.received(this.#receivedBytes);
  }

  #settle(bytes: number): void {
    if (this.#stopped) return;
    this.#receivedBytes += bytes;
    const { problem, blocked } = this.#reader;
    if (problem !== undefined) {
      this.#flush();
      this.#hooks.violated(problem);
    } else if (blocked) {
      this.#flush();
      void this.#waitForRoom();
    } else if (this.#sink.unseen > 0 || this.#batch.isFirst) this.#batch.arrived();
    // A control frame publishes what arrived before it; the sender may wait for its
    // acknowledgement.
    else if (this.#sink.next > this.#acknowledger.acknowledged) this.#flush();
  }

  #flush(): void {
    this.#acknowledger.published(this.#sink.flush());
    this.#hooks.received(this.#receivedBytes);
    this.#receivedBytes = 0;
  }

  /** Suspends the reading until the blocked frame has a free slot. */
  async #waitForRoom(): Promise<void> {
    if (this.#waitingForRoom) return;
    this.#waitingForRoom = true;
    for (let mayRead = false; !mayRead && !this.#stopped;) {
      this.#acknowledger.acknowledge(this.#sink.next);
      await this.#sink.room();
      if (this.#stopped) break;
      mayRead = this.#reader.resume();
      this.#flush();
      if (this.#reader.problem !== undefined) this.#hooks.violated(this.#reader.problem);
    }
    this.#waitingForRoom = false;
    if (!this.#stopped) this.#socket.resume();
  }
}
