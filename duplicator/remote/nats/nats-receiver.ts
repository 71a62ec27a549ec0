/**
 * Receives a flow over NATS: applies live parcels in order, and reads from the stream what is
 * missing: at the start, after a cut, or after a lost message. Created by NatsLink with the sink
 * that fills the flow; subscribes through StreamReader.
 *
 * | state       | event                                          | next                               |
 * | ----------- | ---------------------------------------------- | ---------------------------------- |
 * | live        | a parcel that follows                          | live: it goes into the sink        |
 * | live        | a parcel with something missing before it      | catching up: live parcels wait     |
 * | catching up | a stored parcel that follows                   | catching up: it goes into the sink |
 * | catching up | the first waiting live parcel follows, or nothing waits and nothing more is stored | live |
 * | catching up | what is stored begins behind what is missing   | catching up: that is lost; a mirror waits for a key frame |
 * | any         | a parcel of another epoch, live                | ended                              |
 */
import type { Logger } from '../../../protocol/base/log.js';
import { PROVIDER_GENERATION, SOURCE_STATES } from '../../../protocol/flow/flow-file/layout.js';
import {
  DELIVERY_DETAIL,
  FRAME_BYTES,
  FrameKind,
  decodeHeader,
  emptyHeader,
  type FrameHeader,
} from '../../../protocol/flow/wire/frame.js';
import { FrameReader } from '../../../protocol/flow/wire/frame-reader.js';
import { decodeDescription } from '../../../protocol/nats/flow-description.js';
import { ParcelBits, decodeParcel, type Parcel } from '../../../protocol/nats/parcel.js';
import type { Delivery } from '../../serving/consumer-registry.js';
import type { FlowSink } from '../flow-sink.js';
import { GroupFollower } from './group-follower.js';
import { StreamReader, type StreamReaderOptions } from './stream-reader.js';

/**
 * Live parcels that wait while the stream is read or a consumer holds the flow, bytes at most: what
 * is beyond is read from the stream.
 */
export const LIVE_WAITING_BYTES_MAX = 64 * 2 ** 20;
/** Time after which a stream that could not be read is read again. */
const RETRY_MS = 500;
/**
 * Reports in a row that nothing more is stored, until what live parcels lack is lost: what arrived
 * live may be stored a moment later.
 */
const IDLE_REPORTS = 2;
const NO_BYTES = Buffer.alloc(0);

/** Where reading resumes in the stream; kept from link to link. */
export interface StreamPosition {
  epoch: number;
  /** What comes next is stored behind this sequence of the stream. */
  anchor: number;
}

export interface NatsReceiverOptions {
  /** How the stored parcels of the flow are read from the stream. */
  readonly stream: StreamReaderOptions;
  readonly epoch: number;
  readonly isMirror: boolean;
  /** Whether the stream stores the buffers. */
  readonly isStored: boolean;
  readonly position: StreamPosition;
  /** The content of a message; undefined when it is not of the publishing site. */
  readonly open: (subject: string, payload: Buffer) => Buffer | undefined;
  /**
   * Whether what is of an earlier epoch, and so was recorded, is ignored: epochs of a flow grow.
   */
  readonly ignoresEarlier: boolean;
  readonly log: Logger;
}

export interface NatsReceiverHooks {
  received(bytes: number): void;
  violated(problem: string): void;
  /** The sequences of the flow started again. */
  restarted(): void;
}

type Fetched =
  | {
      readonly kind: 'parcel';
      readonly parcel: Parcel;
      readonly streamSequence: number;
      readonly pending: number;
    }
  | { readonly kind: 'idle' }
  | { readonly kind: 'flow control'; readonly answer: () => void };

export class NatsReceiver {
  readonly #options: NatsReceiverOptions;
  readonly #sink: FlowSink;
  readonly #hooks: NatsReceiverHooks;
  readonly #follower: GroupFollower;
  #reader: FrameReader;
  #stream: StreamReader | undefined;
  #cancelRetry: () => void = () => undefined;
  readonly #fetched: Fetched[] = [];
  #live: Parcel[] = [];
  #liveBytes = 0;
  #idleReports = 0;
  #receivedBytes = 0;
  #scheduled = false;
  #waitingForRoom = false;
  /** Live parcels were dropped while a consumer held the flow. */
  #dropped = false;
  #stopped = false;

  /** `next`: the sequence that is expected first; everything below it is here. */
  constructor(options: NatsReceiverOptions, sink: FlowSink, next: number, hooks: NatsReceiverHooks) {
    this.#options = options;
    this.#sink = sink;
    this.#hooks = hooks;
    this.#follower = new GroupFollower(options.epoch, options.isMirror, next);
    sink.begin();
    this.#reader = new FrameReader(sink);
  }

  /** Everything below this sequence was applied or is lost. */
  get next(): number {
    return this.#follower.next;
  }

  /**
   * A live message. Invalid ones are violations of the publisher. Whether it is one of the present.
   */
  liveMessage(subject: string, payload: Buffer): boolean {
    const parcel = this.#decoded(subject, payload);
    const { epoch, ignoresEarlier } = this.#options;
    if (parcel === undefined || (ignoresEarlier && parcel.epoch < epoch)) return false;
    this.#live.push(parcel);
    this.#liveBytes += parcel.content.length;
    if (this.#liveBytes > LIVE_WAITING_BYTES_MAX && (this.#stream !== undefined || this.#waitingForRoom)) {
      this.#live = [];
      this.#liveBytes = 0;
      if (this.#stream === undefined) this.#dropped = true;
    }
    this.#schedule();
    return true;
  }

  /** Reads what is stored behind the sequence `anchor` of the stream. */
  catchUp(anchor: number): void {
    if (this.#stopped) return;
    const { position, epoch } = this.#options;
    position.epoch = epoch;
    position.anchor = anchor;
    this.#openStream();
  }

  /** Sets the delivery of what the sender publishes from now on. */
  grant(delivery: Delivery): void {
    if (!this.#stopped) this.#control({ kind: FrameKind.DELIVERY, detail: DELIVERY_DETAIL[delivery] });
  }

  /** Publishes what has arrived whole. Idempotent. */
  stop(): void {
    if (this.#stopped) return;
    this.#flush();
    this.#stopped = true;
    this.#stream?.stop();
    this.#cancelRetry();
  }

  #openStream(): void {
    const { stream, position, log } = this.#options;
    this.#fetched.length = 0;
    this.#idleReports = 0;
    this.#follower.discardPart();
    this.#stream = new StreamReader(stream, position.anchor + 1, {
      message: (subject, payload, streamSequence, pending) => {
        const parcel = this.#decoded(subject, payload);
        if (parcel !== undefined) this.#fetch({ kind: 'parcel', parcel, streamSequence, pending });
      },
      idle: () => this.#fetch({ kind: 'idle' }),
      flowControl: (answer) => this.#fetch({ kind: 'flow control', answer }),
      failed: (reason) => {
        log.warn('the stream of NATS cannot be read; trying again', {
          stream: stream.place.stream,
          reason,
        });
        this.#cancelRetry = stream.clock.after(RETRY_MS, () => this.#openStream());
      },
    });
  }

  #fetch(item: Fetched): void {
    this.#fetched.push(item);
    this.#schedule();
  }

  /** What the publishing site has not sealed is left out: then it is missing. */
  #decoded(subject: string, payload: Buffer): Parcel | undefined {
    if (this.#stopped) return undefined;
    const opened = this.#options.open(subject, payload);
    if (opened === undefined) return undefined;
    const parcel = decodeParcel(opened);
    if (typeof parcel !== 'string') return parcel;
    this.#hooks.violated(parcel);
    return undefined;
  }

  /** Messages that arrive in one turn of the event loop are published together. */
  #schedule(): void {
    if (this.#scheduled || this.#waitingForRoom) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (!this.#stopped && !this.#reader.blocked && this.#processNext()) {
      const { problem } = this.#reader;
      if (problem === undefined) continue;
      this.#hooks.violated(problem);
      return;
    }
    if (this.#stopped) return;
    this.#flush();
    if (this.#reader.blocked) void this.#waitForRoom();
  }

  /** False when nothing waits that could be processed now. */
  #processNext(): boolean {
    if (this.#stream === undefined) {
      const parcel = this.#live.shift();
      if (parcel === undefined) return false;
      this.#liveBytes -= parcel.content.length;
      this.#processLive(parcel);
      return true;
    }
    const item = this.#fetched.shift();
    if (item === undefined) return false;
    switch (item.kind) {
      case 'flow control':
        item.answer();
        break;
      case 'idle':
        this.#settleIdle();
        break;
      case 'parcel':
        this.#idleReports = 0;
        this.#processStored(item.parcel, item.streamSequence);
        this.#joinLive(item.pending === 0);
        break;
    }
    return true;
  }

  #processLive(parcel: Parcel): void {
    const before = this.#follower.next;
    const step = this.#follower.step(parcel);
    switch (step) {
      case 'begin':
      case 'apply':
        this.#apply(parcel, step, before);
        if (this.#follower.next !== before) this.#moveAnchor(parcel.anchor);
        break;
      case 'double':
        if ((parcel.bits & ParcelBits.DESCRIPTION) !== 0) this.#describe(parcel);
        break;
      case 'restarted':
        this.#hooks.restarted();
        break;
      case 'gap':
        if (this.#options.isStored) this.#catchUpBefore(parcel);
        else if (parcel.part === 0) {
          // Nothing is stored: what is missing is lost.
          this.#follower.skipTo(parcel.follows);
          this.#processLive(parcel);
        }
        break;
    }
  }

  #catchUpBefore(parcel: Parcel): void {
    const { position, epoch } = this.#options;
    this.#live.unshift(parcel);
    this.#liveBytes += parcel.content.length;
    this.catchUp(position.epoch === epoch ? Math.min(position.anchor, parcel.anchor) : parcel.anchor);
  }

  #processStored(parcel: Parcel, streamSequence: number): void {
    if (parcel.epoch !== this.#options.epoch) return;
    const before = this.#follower.next;
    let step = this.#follower.step(parcel);
    if (step === 'gap' && parcel.part === 0) {
      // The stream has nothing older: what is missing is lost. A mirror waits for a key frame.
      this.#follower.skipTo(parcel.follows);
      step = this.#follower.step(parcel);
    }
    if (step === 'begin' || step === 'apply') this.#apply(parcel, step, before);
    // Between groups, so that a group that is read again is read from its beginning.
    if (step === 'double' || this.#follower.next !== before) this.#moveAnchor(streamSequence);
  }

  /**
   * Reads what was dropped; where nothing is stored the next live parcel shows that it is lost.
   */
  #readDropped(): void {
    this.#dropped = false;
    const { isStored, position } = this.#options;
    if (isStored && this.#stream === undefined) this.catchUp(position.anchor);
  }

  #moveAnchor(anchor: number): void {
    const { position, epoch } = this.#options;
    position.anchor = position.epoch === epoch ? Math.max(position.anchor, anchor) : anchor;
    position.epoch = epoch;
  }

  /** Nothing more is stored. What live parcels lack then is lost, or a key frame follows. */
  #settleIdle(): void {
    const [first] = this.#live;
    this.#idleReports += 1;
    if (first !== undefined && first.part === 0 && this.#idleReports >= IDLE_REPORTS)
      this.#follower.skipTo(first.follows);
    this.#joinLive(true);
  }

  #joinLive(isStreamRead: boolean): void {
    while (this.#live.length > 0 && (this.#live[0]?.next ?? 0) <= this.#follower.next) {
      const [double] = this.#live;
      if (double === undefined || (double.bits & ParcelBits.DESCRIPTION) !== 0) break;
      this.#live.shift();
      this.#liveBytes -= double.content.length;
    }
    const [first] = this.#live;
    if (first === undefined ? !isStreamRead : !this.#follower.joins(first)) return;
    this.#stream?.stop();
    this.#stream = undefined;
    this.#fetched.length = 0;
    this.#follower.discardPart();
  }

  /** `before`: what was expected before the parcel. */
  #apply(parcel: Parcel, step: 'begin' | 'apply', before: number): void {
    if (step === 'begin') {
      this.#sink.begin();
      this.#reader = new FrameReader(this.#sink);
    }
    const { content, parts } = parcel;
    const isOneOfBuffers = !this.#options.isMirror && parts === 1;
    const frames = isOneOfBuffers ? framesFrom(content, before) : content;
    this.#receivedBytes += content.length;
    this.#reader.feed(frames);
  }

  #describe({ content }: Parcel): void {
    const description = decodeDescription(content);
    if (typeof description === 'string') {
      this.#hooks.violated(description);
      return;
    }
    const { state, sinceNs, generation } = description.flow;
    const detail = PROVIDER_GENERATION * generation + SOURCE_STATES[state];
    this.#control({ kind: FrameKind.STATE, value: sinceNs, detail });
  }

  /** As if the sender had sent a frame without a payload. */
  #control(fields: Partial<FrameHeader>): void {
    this.#sink.frame({ ...emptyHeader(), ...fields }, NO_BYTES);
  }

  #flush(): void {
    this.#sink.flush();
    this.#hooks.received(this.#receivedBytes);
    this.#receivedBytes = 0;
  }

  async #waitForRoom(): Promise<void> {
    this.#waitingForRoom = true;
    for (let mayRead = false; !mayRead && !this.#stopped;) {
      await this.#sink.room();
      if (this.#stopped) break;
      mayRead = this.#reader.resume();
      this.#flush();
      if (this.#reader.problem !== undefined) this.#hooks.violated(this.#reader.problem);
    }
    this.#waitingForRoom = false;
    if (this.#stopped) return;
    if (this.#dropped) this.#readDropped();
    this.#pump();
  }
}

/** The whole frames of `content` from the buffer `next` on. */
function framesFrom(content: Buffer, next: number): Buffer {
  const header = emptyHeader();
  let at = 0;
  while (at + FRAME_BYTES <= content.length) {
    // An invalid header is reported by the frame reader.
    if (decodeHeader(content, at, header) !== undefined || header.sequence >= next) break;
    at += FRAME_BYTES + header.length;
  }
  return content.subarray(Math.min(at, content.length));
}
