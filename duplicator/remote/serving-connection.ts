/**
 * The sending end of a proved connection: what the receiver says (acknowledgements, delivery,
 * farewell) and what it is told beside its buffers (states, delivery, signs of life). It ends with
 * its socket, once.
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
import { FrameReader } from '../../protocol/flow/wire/frame-reader.js';
import type { Delivery } from '../serving/consumer-registry.js';
import type { FlowSender } from './flow-sender.js';
import { KeepAlive } from './keep-alive.js';
import type { RemotePlace, RemoteReceiver } from '../serving/remote-consumers.js';

const NOTHING_TO_SAY = 'it sent something that a receiver does not send';

export interface ServingHooks {
  /**
   * Resolves when nothing of what comes here is left out any more; undefined when that is so
   * already.
   */
  beforeLossless(): Promise<void> | undefined;
  /** The connection has ended; `why` when that was not in good order. */
  ended(why: string | undefined): void;
}

export class ServingConnection implements RemoteReceiver {
  readonly peer: string;
  readonly #socket: Socket;
  readonly #file: FlowFile;
  readonly #hooks: ServingHooks;
  readonly #keepAlive: KeepAlive;
  readonly #reader: FrameReader;
  #place: RemotePlace | undefined;
  #sender: FlowSender | undefined;
  /** Asked for by the receiver, granted when nothing of the map waits in the socket any more. */
  #wanted: Delivery | undefined;
  /** What the receiver asked for last. */
  #asked: Delivery | undefined;
  #farewell = false;
  #closed = false;

  constructor(socket: Socket, peer: string, file: FlowFile, clock: Clock, hooks: ServingHooks) {
    this.#socket = socket;
    this.peer = peer;
    this.#file = file;
    this.#hooks = hooks;
    this.#reader = new FrameReader({
      limitOf: () => 0,
      admit: ({ kind }) => (kind === FrameKind.BUFFER ? NOTHING_TO_SAY : true),
      place: () => Buffer.alloc(0),
      large: false,
      ahead: () => undefined,
      frame: (header) => this.#received(header),
    });
    this.#keepAlive = new KeepAlive(clock, {
      say: () => {
        if (socket.writableLength === 0) socket.write(controlFrame(FrameKind.ALIVE));
      },
      silent: () => this.#end('nothing was heard of it any more'),
      listening: () => true,
    });
    socket.on('data', (chunk: Buffer) => this.#feed(chunk));
    socket.on('error', (error) => this.#end(describeError(error)));
    socket.on('close', () => this.#end('the connection was closed'));
  }

  get sentBytes(): number {
    return this.#sender?.sentBytes ?? 0;
  }

  /** It has its place; `rest`: what came behind the handshake. */
  begin(place: RemotePlace, sender: FlowSender, rest: Buffer): void {
    this.#place = place;
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
    sender.pump(); // what was published before comes before
    const { provider, sourceStateSinceNs } = this.#file;
    const detail = provider.generation * PROVIDER_GENERATION + SOURCE_STATES[provider.state];
    this.#say(controlFrame(FrameKind.STATE, 0, sourceStateSinceNs, detail));
  }

  demoted(): void {
    // What waits in the socket would be overwritten before it is sent: only a new connection can go
    // on without it.
    if (this.#sender?.usesMap === true) this.#end('it held the flow back for the stall timeout');
    else this.#say(controlFrame(FrameKind.DELIVERY, this.#sender?.next, 0, DELIVERY_DETAIL.lossy));
  }

  /** The flow ends, or another connection took its place. */
  close(): void {
    if (this.#closed) return;
    this.#farewell = true;
    this.#socket.end(controlFrame(FrameKind.BYE));
    this.#end(undefined);
  }

  /** Something went out of the socket. */
  flushed(): void {
    if (this.#wanted !== undefined) this.#deliver(this.#wanted);
  }

  /** The sequences of the flow begin again. */
  restarted(): void {
    this.#end('the flow begins again');
  }

  #feed(chunk: Buffer): void {
    if (this.#closed) return;
    this.#keepAlive.heard();
    if (!this.#reader.feed(chunk)) this.#end(this.#reader.problem ?? 'it sent more than it may');
  }

  #received({ kind, sequence, detail }: Readonly<FrameHeader>): string | undefined {
    const place = this.#place;
    if (place === undefined) return 'it spoke before it was welcomed';
    switch (kind) {
      case FrameKind.ACK:
        if (!place.acknowledge(sequence)) return `it acknowledged ${sequence}, which was not published yet`;
        this.#sender?.pump();
        return undefined;
      case FrameKind.DELIVERY:
        this.#wantsDelivery(detail === DELIVERY_DETAIL.lossless ? 'lossless' : 'lossy');
        return undefined;
      case FrameKind.ALIVE:
        return undefined;
      case FrameKind.BYE:
        this.#farewell = true;
        this.#end(undefined);
        return undefined;
      default:
        return NOTHING_TO_SAY;
    }
  }

  /**
   * A relay promises no more than it was promised: its receiver becomes lossless when it is itself.
   */
  #wantsDelivery(delivery: Delivery): void {
    this.#asked = delivery;
    const held = delivery === 'lossless' ? this.#hooks.beforeLossless() : undefined;
    if (held === undefined) this.#deliver(delivery);
    else
      void held.then(() => {
        if (!this.#closed && this.#asked === delivery) this.#deliver(delivery);
      });
  }

  #deliver(delivery: Delivery): void {
    const place = this.#place;
    const sender = this.#sender;
    if (place === undefined || sender === undefined) return;
    this.#wanted = delivery;
    // A receiver that is lossy holds nothing; what was given to the socket straight from the map
    // must have left it first.
    if (delivery === 'lossy' && sender.usesMap) return;
    this.#wanted = undefined;
    sender.skipTo(place.deliver(delivery, sender.next));
    const granted = DELIVERY_DETAIL[place.consumer.delivery];
    this.#say(controlFrame(FrameKind.DELIVERY, sender.next, 0, granted));
    sender.pump();
  }

  #say(frame: Buffer): void {
    if (this.#closed) return;
    this.#socket.write(frame);
    this.#keepAlive.said();
  }

  #end(why: string | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#keepAlive.stop();
    if (this.#farewell && why === undefined) this.#socket.destroySoon();
    else this.#socket.destroy();
    this.#place?.leave(this.#farewell);
    this.#hooks.ended(this.#farewell ? undefined : why);
  }
}
