/**
 * One proved link to a duplicator of another host that receives the flow: sends buffers through its
 * FlowSender and beside them source states, granted delivery and signs of life; receives
 * acknowledgements, requested delivery and the good bye. Made by RemoteServer, which hands over the
 * socket; ends with it, once. The slots that the receiver holds are those of its subscription.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../../protocol/base/clock.js';
import { describeError } from '../../protocol/base/errors.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { PROVIDER_GENERATION, SOURCE_STATES } from '../../protocol/flow/flow-file/layout.js';
import {
  DELIVERY_DETAIL,
  FrameKind,
  controlFrame,
  type FrameHeader,
} from '../../protocol/flow/wire/frame.js';
import { FrameReader, type FrameSink, type LinkReader } from '../../protocol/flow/wire/frame-reader.js';
import { SealedFrameReader } from '../../protocol/flow/wire/sealed-frame-reader.js';
import type { RecordProtection } from '../../protocol/rpc/security/records.js';
import type { Delivery } from '../serving/consumer-registry.js';
import type { RemoteSubscription, ReceiverConnection } from '../serving/remote-consumers.js';
import type { FlowSender } from './flow-sender.js';
import { FrameWriter } from './frame-writer.js';
import { KeepAlive, SILENCE_MS } from './keep-alive.js';

/** Longest record of a receiver, which sends control frames: bytes of content. */
const RECORD_BYTES = 1_024;
const UNEXPECTED_FRAME = 'it sent a frame that a receiver does not send';

export interface DownstreamHooks {
  /**
   * Resolves when no buffer is left out on the way to this host any more; undefined when none is
   * now.
   */
  beforeLossless(): Promise<void> | undefined;
  /** The link has ended; `reason` is undefined when it was closed in good order. */
  ended(reason: string | undefined): void;
}

export class DownstreamLink implements ReceiverConnection {
  readonly peer: string;
  readonly #socket: Socket;
  readonly #file: FlowFile;
  readonly #hooks: DownstreamHooks;
  readonly #keepAlive: KeepAlive;
  readonly #reader: LinkReader;
  /** Everything on this link is sent with it. */
  readonly writer: FrameWriter;
  #subscription: RemoteSubscription | undefined;
  #sender: FlowSender | undefined;
  /** What the receiver requested last. */
  #requested: Delivery | undefined;
  /** A delivery that is granted when no slot of the map waits in the socket any more. */
  #pending: Delivery | undefined;
  /** One side has sent BYE. */
  #closesInOrder = false;
  #closed = false;

  /** `protection`: of all frames; undefined where they have no MAC. */
  constructor(
    socket: Socket,
    peer: string,
    file: FlowFile,
    protection: RecordProtection | undefined,
    clock: Clock,
    hooks: DownstreamHooks,
  ) {
    this.#socket = socket;
    this.peer = peer;
    this.#file = file;
    this.#hooks = hooks;
    this.writer = new FrameWriter(socket, protection?.sealer);
    const sink: FrameSink = {
      limitOf: () => 0,
      admit: ({ kind }) => (kind === FrameKind.BUFFER ? UNEXPECTED_FRAME : true),
      place: () => Buffer.alloc(0),
      large: false,
      reserveNext: () => undefined,
      expects: () => false,
      frame: (header) => this.#receive(header),
    };
    this.#reader =
      protection === undefined
        ? new FrameReader(sink)
        : new SealedFrameReader(sink, protection.verifier, RECORD_BYTES);
    this.#keepAlive = new KeepAlive(clock, {
      send: () => {
        if (socket.writableLength === 0) this.writer.write(controlFrame(FrameKind.ALIVE));
      },
      silent: () => this.#end(`nothing was received for ${SILENCE_MS} ms`),
      isReading: () => true,
    });
    socket.on('data', (chunk: Buffer) => this.#feed(chunk));
    socket.on('error', (error) => this.#end(describeError(error)));
    socket.on('close', () => this.#end('the connection was closed'));
  }

  get sentBytes(): number {
    return this.#sender?.sentBytes ?? 0;
  }

  /** Starts sending. `rest`: bytes that arrived behind the handshake. */
  start(subscription: RemoteSubscription, sender: FlowSender, rest: Buffer): void {
    this.#subscription = subscription;
    this.#sender = sender;
    sender.pump();
    if (rest.length > 0) this.#feed(rest);
    this.#socket.resume();
  }

  published(): void {
    this.#sender?.pump();
  }

  stateChanged(): void {
    const sender = this.#sender;
    if (sender === undefined) return;
    sender.pump(); // what was published before the change goes first
    const { provider, sourceStateSinceNs } = this.#file;
    const detail = provider.generation * PROVIDER_GENERATION + SOURCE_STATES[provider.state];
    this.#send(controlFrame(FrameKind.STATE, 0, sourceStateSinceNs, detail));
  }

  demoted(): void {
    // Slots that wait in the socket may be overwritten before they are sent: only a new link can
    // continue without them.
    if (this.#sender?.hasSlotsInSocket === true)
      this.#end('it held the flow back for longer than the stall timeout');
    else this.#send(controlFrame(FrameKind.DELIVERY, this.#sender?.next, 0, DELIVERY_DETAIL.lossy));
  }

  /** The flow ends, or another link of the same receiver replaces this one. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closesInOrder = true;
    this.writer.end(controlFrame(FrameKind.BYE));
    this.#end(undefined);
  }

  /** Called when something that waited in the socket has been sent. */
  flushed(): void {
    if (this.#pending !== undefined) this.#grant(this.#pending);
  }

  /** Called when the flow's sequences start again. */
  restarted(): void {
    this.#end('the sequences of the flow start again');
  }

  #feed(chunk: Buffer): void {
    if (this.#closed) return;
    this.#keepAlive.received();
    if (!this.#reader.feed(chunk)) this.#end(this.#reader.problem ?? 'it sent more than it may');
  }

  #receive({ kind, sequence, detail }: Readonly<FrameHeader>): string | undefined {
    const subscription = this.#subscription;
    if (subscription === undefined) return 'it sent a frame before it was welcomed';
    switch (kind) {
      case FrameKind.ACK:
        if (!subscription.acknowledge(sequence))
          return `it acknowledged ${sequence}, which was not published yet`;
        this.#sender?.pump();
        return undefined;
      case FrameKind.DELIVERY:
        this.#request(detail === DELIVERY_DETAIL.lossless ? 'lossless' : 'lossy');
        return undefined;
      case FrameKind.ALIVE:
        return undefined;
      case FrameKind.BYE:
        this.#closesInOrder = true;
        this.#end(undefined);
        return undefined;
      default:
        return UNEXPECTED_FRAME;
    }
  }

  /** A relay can promise lossless delivery only once it receives the flow losslessly itself. */
  #request(delivery: Delivery): void {
    this.#requested = delivery;
    const ready = delivery === 'lossless' ? this.#hooks.beforeLossless() : undefined;
    if (ready === undefined) this.#grant(delivery);
    else
      void ready.then(() => {
        if (!this.#closed && this.#requested === delivery) this.#grant(delivery);
      });
  }

  #grant(delivery: Delivery): void {
    const subscription = this.#subscription;
    const sender = this.#sender;
    if (subscription === undefined || sender === undefined) return;
    this.#pending = delivery;
    // A lossy receiver holds no slots, so slots that wait in the socket must be sent first.
    if (delivery === 'lossy' && sender.hasSlotsInSocket) return;
    this.#pending = undefined;
    sender.skipTo(subscription.deliver(delivery, sender.next));
    const granted = DELIVERY_DETAIL[subscription.consumer.delivery];
    this.#send(controlFrame(FrameKind.DELIVERY, sender.next, 0, granted));
    sender.pump();
  }

  #send(frame: Buffer): void {
    if (this.#closed) return;
    this.writer.write(frame);
    this.#keepAlive.sent();
  }

  #end(reason: string | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#keepAlive.stop();
    if (this.#closesInOrder && reason === undefined) this.#socket.destroySoon();
    else this.#socket.destroy();
    this.#subscription?.leave(this.#closesInOrder);
    this.#hooks.ended(this.#closesInOrder ? undefined : reason);
  }
}
