/**
 * A flow as its provider sees it: slots of the mapped flow file are reserved, filled in place and committed; the commits of one turn are
 * published together and cost one signal. Credit from the duplicator says how far it may write; what to do without credit is the provider's
 * choice.
 */
import { EventEmitter } from 'eventemitter3';
import { systemClock } from '../protocol/clock.js';
import type { FlowMark } from '../protocol/contract/deliveries.js';
import type { OpenedFlow } from '../protocol/contract/shapes.js';
import { MirrorflowError, isMirrorflowError } from '../protocol/errors.js';
import { COUNTERS } from '../protocol/flow-file/counters.js';
import type { FlowFile } from '../protocol/flow-file/flow-file.js';
import { GENERATION_SHIFT, HEADER } from '../protocol/flow-file/layout.js';
import { openFlowFile } from '../protocol/flow-file/open.js';
import { RingWriter } from '../protocol/flow-file/ring-writer.js';
import type { LinkConnection, LinkEnd } from '../protocol/signal-link/link.js';
import { LAST, MessageKind, packHello, unpackRefusal } from '../protocol/signal-link/messages.js';
import { streamLink } from '../protocol/signal-link/stream-link.js';
import { checkOutputOptions, type OutputFlowOptions, type OutputRules } from './output-options.js';

export interface WaitOptions {
  /** Aborting it rejects with its reason. */
  readonly signal?: AbortSignal;
}

export interface CommitOptions {
  /** Wall-clock nanoseconds since 1970, kept to 256 ns. Default: the time of the first commit of this turn. */
  readonly timestampNs?: number;
  /** 0 to 65,535; belongs to the flow type. */
  readonly flags?: number;
}

/** A reserved slot. One object per flow, the same for every reservation: nothing is allocated per buffer. */
export interface OutputSlot {
  /** The whole payload area, in the mapped file: `bufferSize` bytes, the provider's until `commit`. It holds old data. */
  readonly data: Buffer;
  /** Gives the first `size` bytes to the consumers, at the latest at the end of this turn of the event loop. */
  commit(size: number, options?: CommitOptions): void;
}

interface OutputFlowEvents {
  /** Nothing more can be written: closed from here, or lost. Once. */
  closed: [];
  /** The duplicator has gone. Nothing is lost: what was published stays in the file, and writers wait until the flow is attached again. */
  detached: [end: LinkEnd];
  /** Attached to a new duplicator: it goes on. */
  reattached: [];
  /** The flow did not come back: nothing more can be written until it is opened again. Told after `closed`. */
  lost: [end: LinkEnd];
  /** The history of a consumer has reached one of its marks. What that means is the provider's own affair. */
  flowControl: [mark: ReachedMark];
  /** This consumer held the writer back for longer than the stall timeout, and is lossy from now on. */
  demoted: [consumer: string];
}

/** A flow-control mark that a consumer's history has reached. */
export interface ReachedMark extends FlowMark {
  /** Name of the consumer. */
  readonly consumer: string;
}

/** Somebody who waits for the turn; served in order, each when all before are. */
interface Waiter {
  /** A reservation: given up when the flow is closed, since it could not be committed any more. */
  readonly reserves: boolean;
  /** False when there is no room for it. */
  readonly serve: () => boolean;
  readonly reject: (error: Error) => void;
}

interface QueuedBuffer {
  readonly bytes: Buffer;
  readonly timestampNs: number;
  readonly flags?: number;
}

/** The app server gives the seat away when its provider has gone; the duplicator may hear of that a little later. */
const SEAT_ATTEMPTS = 50;
const SEAT_RETRY_MS = 20;
/** Slots that are opened together at most, and which share of the ring: they hold nothing for those who join late. */
const OPEN_SLOTS_MAX = 64;
const OPEN_SHARE = 64;
/** A duplicator that does not answer a provider within this time is given up. */
const SEAT_TIMEOUT_MS = 5_000;

export class OutputFlow extends EventEmitter<OutputFlowEvents> {
  readonly flow: string;
  readonly #rules: OutputRules;
  #file!: FlowFile;
  #ring!: RingWriter;
  #link!: LinkConnection;
  #generation = 0;
  #quarter = 1;
  #openTogether = 1;
  /** Why there is no duplicator just now. */
  #detached: LinkEnd | undefined;
  readonly #waiters: Waiter[] = [];
  readonly #queue: QueuedBuffer[] = [];
  readonly #slot: { data: Buffer; readonly commit: (size: number, options?: CommitOptions) => void };
  #reserved = false;
  /** Payloads of sequences from here on were not given to anybody yet. */
  #begun = 0;
  /** The ring that the reserved slot lies in. */
  #slotRing: RingWriter | undefined;
  /** The count that the duplicator was told last, and whether it has answered. */
  #told = 0;
  #answered = true;
  #flushing = false;
  #turnNs = 0;
  #writtenBytes = 0;
  #written = 0;
  #lost = 0;
  #state: 'open' | 'closing' | 'closed' | 'lost' = 'open';
  #closing: Promise<void> | undefined;
  /** Resolves when the link has ended on both sides. */
  #left: Promise<void> = Promise.resolve();

  private constructor(flow: string, rules: OutputRules, seat: Seat) {
    super();
    this.flow = flow;
    this.#rules = rules;
    this.#slot = { data: Buffer.alloc(0), commit: (size, options) => this.#commitReserved(size, options) };
    this.#follow(seat);
  }

  /** Attaches to what flow.open answered. Throws FLOW_BUSY when another provider stays there, TIMED_OUT, CLOSED. */
  static async attach(opened: OpenedFlow, options: OutputFlowOptions): Promise<OutputFlow> {
    const rules = checkOutputOptions(options);
    return new OutputFlow(opened.flow, rules, await sitDown(opened, rules));
  }

  /**
   * Goes on with another duplicator: in the same file where it took that over, else in its new one. What waits is written then. Throws as
   * `attach`, and TOO_LARGE when the new buffers are smaller; nothing has changed then.
   */
  async reattach(opened: OpenedFlow): Promise<void> {
    this.#checkNotOver();
    const seat = await sitDown(opened, this.#rules);
    const { payloadCapacity } = seat.file.geometry;
    try {
      this.#checkNotOver();
      if (payloadCapacity < this.bufferSize) {
        throw new MirrorflowError(
          'TOO_LARGE',
          `the flow ${this.flow} now has buffers of ${payloadCapacity} bytes, and had ${this.bufferSize}: open it anew`,
          { flow: this.flow, payloadCapacity },
        );
      }
    } catch (error) {
      seat.link.destroy();
      throw error;
    }
    this.#follow(seat);
    this.emit('reattached');
    this.#credited();
  }

  /** For a flow that is detached: it does not come back. */
  finish(): void {
    if (this.#state === 'closed' || this.#state === 'lost' || this.#detached === undefined) return;
    this.#state = 'lost';
    this.#rejectWaiters();
    this.emit('closed');
    this.emit('lost', this.#detached);
  }

  /** Bytes a buffer can hold. */
  get bufferSize(): number {
    return this.#file.geometry.payloadCapacity;
  }

  /** Buffers that can be written now without waiting. */
  get free(): number {
    return Math.max(0, this.#credit - this.#ring.next);
  }

  /** Consumers that are attached to the flow now, lossless and lossy. */
  get consumers(): number {
    return this.#file.counter(COUNTERS.consumers.id);
  }

  /** Sequence of the next buffer. */
  get next(): number {
    return this.#ring.next;
  }

  /** Buffers that were given up or overwritten before anybody could read them, by the policy for a full ring. */
  get lost(): number {
    return this.#lost;
  }

  /** What was committed since the flow was opened here. */
  get written(): { readonly buffers: number; readonly bytes: number } {
    return { buffers: this.#written, bytes: this.#writtenBytes };
  }

  /** Buffers that wait on this side for room in the ring. */
  get queued(): number {
    return this.#queue.length;
  }

  /**
   * Reserves the next slot, without waiting: undefined when no credit is left, or others wait for it. One reservation at a time, committed before
   * anything else is written; reserving again gives the same slot. Throws CLOSED.
   */
  reserveNow(): OutputSlot | undefined {
    this.#check();
    return this.#waiters.length === 0 && this.#queue.length === 0 ? this.#begin() : undefined;
  }

  /** Reserves the next slot as soon as the slowest lossless consumer allows. Rejects with CLOSED when the flow ends meanwhile. */
  async reserve(options: WaitOptions = {}): Promise<OutputSlot> {
    const slot = this.reserveNow();
    if (slot !== undefined) return slot;
    const begin = (): OutputSlot | undefined => (this.#queue.length === 0 ? this.#begin() : undefined);
    return this.#inTurn(begin, options.signal, true);
  }

  /**
   * Writes one buffer by copying it, in the order of the calls. Without credit the flow's policy decides: `block` waits (the bytes must not
   * change meanwhile), `drop` gives the buffer up, `overwrite` replaces the last one that waits, `grow` lets more of them wait, then blocks.
   * Resolves with false when this buffer or an earlier waiting one was lost to the policy. Rejects with TOO_LARGE, CLOSED.
   */
  async write(bytes: Uint8Array, options: WaitOptions = {}): Promise<boolean> {
    if (bytes.length > this.bufferSize) {
      throw new MirrorflowError(
        'TOO_LARGE',
        `${bytes.length} bytes do not fit a buffer of ${this.bufferSize}`,
        { bytes: bytes.length },
      );
    }
    this.#check();
    if (this.#waiters.length === 0 && this.#queue.length === 0 && this.#put(bytes)) return true;
    const { whenFull, queue } = this.#rules;
    if (whenFull === 'drop') {
      this.#lost += 1;
      return false;
    }
    if (whenFull !== 'block' && this.#waiters.length === 0 && this.#queue.length < queue) {
      this.#queue.push({ bytes: Buffer.from(bytes), timestampNs: nowNs() });
      return true;
    }
    if (whenFull === 'overwrite') {
      this.#queue[this.#queue.length - 1] = { bytes: Buffer.from(bytes), timestampNs: nowNs() };
      this.#lost += 1;
      return false;
    }
    return this.#inTurn(() => {
      if (this.#queue.length === 0 && this.#put(bytes)) return true;
      if (whenFull !== 'grow' || this.#queue.length >= queue) return undefined;
      this.#queue.push({ bytes: Buffer.from(bytes), timestampNs: nowNs() });
      return true;
    }, options.signal);
  }

  /** Publishes what was committed in this turn now, instead of at its end. */
  flush(): void {
    this.#flushing = false;
    if (this.#state === 'closed' || this.#state === 'lost') return;
    const published = this.#ring.publish();
    if (published === this.#told || this.#detached !== undefined) return;
    // At low rates every publication is signalled at once; at high rates the answer to the last signal, or a quarter ring, is waited for.
    if (this.#answered || published - this.#told >= this.#quarter) this.#tell(published);
  }

  /**
   * Waits until everything written has room, publishes it, and leaves the seat: the flow's source is `ended` then, and another provider may come. Nothing can be written from the
   * call on. Without room it waits as long as the slowest lossless consumer does. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Leaves at once, as a provider that dies: what waits is given up, and the flow's source is `stale` then. Idempotent. */
  destroy(): void {
    if (this.#state === 'closed' || this.#state === 'lost') return;
    this.#state = 'closed';
    this.#closeSlots();
    this.#link.close();
    this.#rejectWaiters();
    this.emit('closed');
  }

  async #close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#reserved = false; // what was not committed is not waited for
    this.#rejectWaiters(({ reserves }) => reserves);
    try {
      await this.#inTurn(() => (this.#queue.length === 0 ? true : undefined), undefined);
    } catch {
      return; // destroyed or lost meanwhile, which is told to whoever wrote
    }
    this.#flushing = false;
    this.#link.signal(MessageKind.PUBLISHED, this.#ring.publish(), LAST);
    this.destroy();
    await this.#left;
  }

  /** False without credit. */
  #put(bytes: Uint8Array, options?: CommitOptions): boolean {
    const slot = this.#begin();
    if (slot === undefined) return false;
    slot.data.set(bytes);
    this.#commit(bytes.length, options);
    return true;
  }

  /** Undefined without credit. */
  #begin(): OutputSlot | undefined {
    if (this.#reserved) return this.#slot;
    const ring = this.#ring;
    if (this.#detached !== undefined || (ring.next === ring.opened && !this.#openSlots())) return undefined;
    this.#reserved = true;
    this.#begun = ring.next + 1;
    this.#slotRing = ring;
    this.#slot.data = ring.begin();
    return this.#slot;
  }

  /**
   * Opens the next slots as far as there is credit. The duplicator may take credit back: what is done here before the second look is seen by it,
   * or it by the look. A fence lies between the two, which costs as much as a small buffer: so several slots are opened with one.
   */
  #openSlots(): boolean {
    const ring = this.#ring;
    const count = Math.min(this.#credit - ring.next, this.#openTogether);
    if (count <= 0) return false;
    ring.open(count);
    const credit = this.#credit;
    if (credit < ring.opened) ring.giveBack(credit);
    return ring.opened > ring.next;
  }

  /** What was opened and not reserved can be read again by those who come late. Without a duplicator somebody else may have the file. */
  #closeSlots(): void {
    if (this.#detached === undefined) this.#ring.giveBack(this.#begun);
  }

  #commitReserved(size: number, options?: CommitOptions): void {
    if (!this.#reserved)
      throw new MirrorflowError('BAD_OPTION', 'this slot was committed already; reserve one first');
    this.#check();
    if (this.#detached === undefined && this.#slotRing === this.#ring) this.#commit(size, options);
    else this.#keep(size, options);
    // Others may have waited while it was filled.
    if (this.#waiters.length > 0) this.#serve();
  }

  /** The slot was reserved before its duplicator went: what is in it is the first to be written by the next one. */
  #keep(size: number, options?: CommitOptions): void {
    if (!Number.isInteger(size) || size < 0 || size > this.#slot.data.length)
      throw new RangeError(`a buffer of ${size} bytes does not fit a slot of ${this.#slot.data.length}`);
    this.#reserved = false;
    const bytes = Buffer.from(this.#slot.data.subarray(0, size));
    this.#queue.unshift({ timestampNs: nowNs(), ...options, bytes });
    this.#drainQueue();
  }

  #commit(size: number, options?: CommitOptions): void {
    if (!this.#flushing) this.#beginTurn();
    const flags = options?.flags;
    this.#ring.commit(
      size,
      options?.timestampNs ?? this.#turnNs,
      flags === undefined ? this.#generation : (this.#generation | flags) >>> 0,
    );
    this.#reserved = false;
    this.#written += 1;
    this.#writtenBytes += size;
    if (this.#ring.next - this.#ring.published >= this.#quarter) this.flush();
  }

  /** What is committed from now on is published together, at the end of this turn. */
  #beginTurn(): void {
    this.#flushing = true;
    this.#turnNs = nowNs();
    queueMicrotask(() => {
      if (this.#flushing && (this.#state === 'open' || this.#state === 'closing')) this.flush();
    });
  }

  /** Sequences below it may be written. */
  get #credit(): number {
    return this.#file.words.peek64(HEADER.granted);
  }

  #follow({ file, link, generation }: Seat): void {
    this.#file = file;
    this.#ring = new RingWriter(file);
    this.#begun = 0;
    this.#link = link;
    this.#generation = (generation << GENERATION_SHIFT) >>> 0;
    const { slotCount } = file.geometry;
    this.#quarter = Math.max(1, Math.floor(slotCount / 4));
    this.#openTogether = Math.max(1, Math.min(OPEN_SLOTS_MAX, Math.floor(slotCount / OPEN_SHARE)));
    this.#told = file.published;
    this.#answered = true;
    this.#detached = undefined;
    link.onMessage((kind) => {
      if (kind === MessageKind.CREDIT && this.#link === link) this.#credited();
    });
    this.#left = new Promise((resolve) => {
      link.onClose((end) => {
        resolve();
        if (this.#link === link) this.#detach(end);
      });
    });
  }

  #tell(published: number): void {
    this.#told = published;
    this.#answered = false;
    this.#link.signal(MessageKind.PUBLISHED, published);
  }

  #credited(): void {
    this.#answered = true;
    if (this.#ring.published !== this.#told) this.#tell(this.#ring.published);
    this.#drainQueue();
    this.#serve();
  }

  #drainQueue(): void {
    // A slot that is being filled in place comes first.
    while (this.#queue[0] !== undefined && !this.#reserved) {
      const { bytes, ...options } = this.#queue[0];
      if (!this.#put(bytes, options)) break;
      this.#queue.shift();
    }
  }

  /** Serves who waits, in order, as far as there is room; one who fills a slot in place holds up those behind until it is committed. */
  #serve(): void {
    while (!this.#reserved && this.#waiters[0]?.serve() === true) this.#waiters.shift();
  }

  /** Resolves with what `serve` gives when it is this one's turn and it gives something. */
  async #inTurn<T>(
    serve: () => T | undefined,
    signal: AbortSignal | undefined,
    reserves = false,
  ): Promise<T> {
    signal?.throwIfAborted();
    this.flush(); // a provider that waits has published everything, so that whoever holds it back can go on
    return new Promise<T>((resolve, reject) => {
      const settle = (): void => signal?.removeEventListener('abort', abort);
      const waiter: Waiter = {
        reserves,
        serve: () => {
          const served = serve();
          if (served === undefined) return false;
          settle();
          resolve(served);
          return true;
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      const abort = (): void => {
        const index = this.#waiters.indexOf(waiter);
        if (index >= 0) this.#waiters.splice(index, 1);
        const reason: unknown = signal?.reason;
        waiter.reject(
          reason instanceof Error ? reason : new MirrorflowError('CLOSED', 'the wait was given up'),
        );
        this.#serve();
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiters.push(waiter);
      this.#serve();
    });
  }

  /** What was committed is published: consumers that have the file read it, and so will those of the next duplicator. */
  #detach(end: LinkEnd): void {
    if (this.#state === 'closed' || this.#state === 'lost') return;
    this.#ring.publish();
    this.#detached = end;
    // Without anybody who attaches it again it has ended.
    if (!this.emit('detached', end)) this.finish();
  }

  #rejectWaiters(which: (waiter: Waiter) => boolean = () => true): void {
    const waiters = this.#waiters.splice(0);
    this.#waiters.push(...waiters.filter((waiter) => !which(waiter)));
    for (const waiter of waiters) if (which(waiter)) waiter.reject(this.#endedError());
  }

  #check(): void {
    if (this.#state !== 'open') throw this.#endedError();
  }

  #checkNotOver(): void {
    if (this.#state === 'closed' || this.#state === 'lost') throw this.#endedError();
  }

  #endedError(): MirrorflowError {
    const why = this.#state === 'lost' ? 'its duplicator has gone' : 'it was closed';
    return new MirrorflowError('CLOSED', `the flow ${this.flow} cannot be written: ${why}`, {
      flow: this.flow,
    });
  }
}

function nowNs(): number {
  return (performance.timeOrigin + performance.now()) * 1e6;
}

interface Seat {
  readonly file: FlowFile;
  readonly link: LinkConnection;
  readonly generation: number;
}

/** Connects and takes the seat, which a provider that has just gone may still have. Throws FLOW_BUSY, TIMED_OUT, CLOSED. */
async function sitDown(opened: OpenedFlow, { stallTimeoutMs }: OutputRules): Promise<Seat> {
  for (let attempt = 1; ; attempt += 1) {
    const link = await streamLink().connect(opened.link);
    try {
      const seat = await takeSeat(link, opened);
      if (stallTimeoutMs !== undefined) link.signal(MessageKind.STALL, Math.round(stallTimeoutMs));
      return seat;
    } catch (error) {
      link.destroy();
      if (!isMirrorflowError(error, 'FLOW_BUSY') || attempt === SEAT_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, SEAT_RETRY_MS));
    }
  }
}

/** Says HELLO as the provider; resolves when the seat is taken, with the file that this duplicator serves. */
async function takeSeat(link: LinkConnection, opened: OpenedFlow): Promise<Seat> {
  const cancel = systemClock.after(SEAT_TIMEOUT_MS, () => {
    const what = `the duplicator of flow ${opened.flow} did not answer in ${SEAT_TIMEOUT_MS} ms`;
    link.destroy(new MirrorflowError('TIMED_OUT', what, { flow: opened.flow }));
  });
  try {
    const { epoch, generation } = await welcome(link, opened);
    const file = openFlowFile(opened.file, 'read-write');
    if (file.epoch === epoch) return { file, link, generation };
    throw new MirrorflowError(
      'CLOSED',
      `the duplicator of flow ${opened.flow} was replaced while its provider attached`,
      { flow: opened.flow },
    );
  } finally {
    cancel();
  }
}

function welcome(
  link: LinkConnection,
  { flow, handle }: OpenedFlow,
): Promise<{ readonly epoch: number; readonly generation: number }> {
  return new Promise((resolve, reject) => {
    let epoch = 0;
    link.onMessage((kind, value, detail) => {
      if (kind === MessageKind.WELCOME) epoch = value;
      if (kind === MessageKind.BEGIN) resolve({ epoch, generation: detail });
      if (kind === MessageKind.REFUSED) {
        const code = unpackRefusal(detail);
        const why =
          code === 'FLOW_BUSY'
            ? 'it has a provider already'
            : `the duplicator refused this provider (${code})`;
        reject(new MirrorflowError(code, `the flow ${flow} cannot be provided: ${why}`, { flow }));
      }
    });
    link.onClose((end) => {
      reject(
        end.by === 'failure'
          ? end.error
          : new MirrorflowError('CLOSED', 'the duplicator ended while this provider attached'),
      );
    });
    link.signal(
      MessageKind.HELLO,
      handle,
      packHello({ role: 'provider', delivery: 'lossless', start: 'latest' }),
    );
  });
}
