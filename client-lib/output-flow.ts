/**
 * A flow as its provider sees it: slots of the mapped flow file are reserved, filled in place and committed; the commits of one turn are
 * published together and cost one signal. Credit from the duplicator says how far it may write; what to do without credit is the provider's
 * choice.
 */
import { EventEmitter } from 'eventemitter3';
import type { FlowMark } from '../protocol/contract/deliveries.js';
import type { OpenedFlow } from '../protocol/contract/shapes.js';
import { MirrorflowError } from '../protocol/errors.js';
import type { FlowFile } from '../protocol/flow-file/flow-file.js';
import { GENERATION_SHIFT, HEADER } from '../protocol/flow-file/layout.js';
import { openFlowFile } from '../protocol/flow-file/open.js';
import { RingWriter } from '../protocol/flow-file/ring-writer.js';
import type { LinkConnection, LinkEnd } from '../protocol/signal-link/link.js';
import { MessageKind, packHello, unpackRefusal } from '../protocol/signal-link/messages.js';
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
  /** Closed from here. */
  closed: [];
  /** The duplicator has gone: nothing more can be written until the flow is opened again. */
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

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class OutputFlow extends EventEmitter<OutputFlowEvents> {
  readonly flow: string;
  readonly #rules: OutputRules;
  readonly #file: FlowFile;
  readonly #ring: RingWriter;
  readonly #link: LinkConnection;
  readonly #generation: number;
  readonly #quarter: number;
  readonly #waiters: Waiter[] = [];
  readonly #queue: Buffer[] = [];
  readonly #slot: { data: Buffer; readonly commit: (size: number, options?: CommitOptions) => void };
  #reserved = false;
  #granted: number;
  /** The count that the duplicator was told last, and whether it has answered. */
  #told: number;
  #answered = true;
  #flushing = false;
  #turnNs = 0;
  #writtenBytes = 0;
  #written = 0;
  #lost = 0;
  #state: 'open' | 'closed' | 'lost' = 'open';

  private constructor(flow: string, rules: OutputRules, seat: Seat) {
    super();
    this.flow = flow;
    this.#rules = rules;
    this.#file = seat.file;
    this.#ring = new RingWriter(seat.file);
    this.#link = seat.link;
    this.#generation = (seat.generation << GENERATION_SHIFT) >>> 0;
    this.#granted = seat.file.words.load64(HEADER.granted);
    this.#told = seat.file.published;
    this.#quarter = Math.max(1, Math.floor(seat.file.geometry.slotCount / 4));
    this.#slot = { data: Buffer.alloc(0), commit: (size, options) => this.#commitReserved(size, options) };
    seat.link.onMessage((kind, value) => {
      if (kind === MessageKind.CREDIT) this.#credited(value);
    });
    seat.link.onClose((end) => this.#ended(end));
  }

  /** Attaches to what flow.open answered. Throws FLOW_BUSY when another provider sits there. */
  static async attach(opened: OpenedFlow, options: OutputFlowOptions): Promise<OutputFlow> {
    const rules = checkOutputOptions(options);
    const file = openFlowFile(opened.file, 'read-write');
    const link = await streamLink().connect(opened.link);
    try {
      const generation = await takeSeat(link, opened);
      if (rules.stallTimeoutMs !== undefined)
        link.signal(MessageKind.STALL, Math.round(rules.stallTimeoutMs));
      return new OutputFlow(opened.flow, rules, { file, link, generation });
    } catch (error) {
      link.destroy();
      throw error;
    }
  }

  /** Bytes a buffer can hold. */
  get bufferSize(): number {
    return this.#file.geometry.payloadCapacity;
  }

  /** Buffers that can be written now without waiting. */
  get free(): number {
    this.#granted = this.#file.words.load64(HEADER.granted);
    return Math.max(0, this.#granted - this.#ring.next);
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

  /** Reserves the next slot, without waiting: undefined when no credit is left. One reservation at a time; reserving again gives the same slot. */
  reserveNow(): OutputSlot | undefined {
    this.#check();
    if (this.#queue.length > 0 || !this.#hasCredit()) return undefined;
    this.#reserved = true;
    this.#slot.data = this.#ring.begin();
    return this.#slot;
  }

  /** Reserves the next slot as soon as the slowest lossless consumer allows. Rejects with CLOSED when the flow ends meanwhile. */
  async reserve(options: WaitOptions = {}): Promise<OutputSlot> {
    for (;;) {
      const slot = this.reserveNow();
      if (slot !== undefined) return slot;
      await this.#room(options.signal);
    }
  }

  /**
   * Writes one buffer by copying it. Without credit the flow's policy decides: `block` waits, `drop` gives the buffer up, `overwrite` replaces
   * the last one that waits, `grow` lets more of them wait. Resolves with false when this buffer or an earlier waiting one was lost to the policy.
   */
  async write(bytes: Uint8Array, options: WaitOptions = {}): Promise<boolean> {
    if (bytes.length > this.bufferSize) {
      throw new MirrorflowError(
        'TOO_LARGE',
        `${bytes.length} bytes do not fit a buffer of ${this.bufferSize}`,
        { bytes: bytes.length },
      );
    }
    const { whenFull, queue } = this.#rules;
    for (;;) {
      const slot = this.reserveNow();
      if (slot !== undefined) {
        slot.data.set(bytes);
        slot.commit(bytes.length);
        return true;
      }
      if (whenFull === 'drop') {
        this.#lost += 1;
        return false;
      }
      if (whenFull !== 'block' && this.#queue.length < queue) {
        this.#queue.push(Buffer.from(bytes));
        return true;
      }
      if (whenFull === 'overwrite') {
        this.#queue[this.#queue.length - 1] = Buffer.from(bytes);
        this.#lost += 1;
        return false;
      }
      await this.#room(options.signal);
    }
  }

  /** Publishes what was committed in this turn now, instead of at its end. */
  flush(): void {
    this.#flushing = false;
    const published = this.#ring.publish();
    if (published === this.#told) return;
    // At low rates every publication is signalled at once; at high rates the answer to the last signal, or a quarter ring, is waited for.
    if (this.#answered || published - this.#told >= this.#quarter) this.#tell(published);
  }

  /** Waits until everything written has room, publishes it, and leaves the seat. Idempotent. */
  async close(): Promise<void> {
    if (this.#state !== 'open') return;
    while (this.#queue.length > 0 && this.#state === 'open') await this.#room(undefined);
    if (this.#state !== 'open') return;
    this.flush();
    if (this.#ring.published !== this.#told) this.#tell(this.#ring.published);
    this.destroy();
  }

  /** Leaves at once; what waits in the queue is given up. Idempotent. */
  destroy(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    this.#link.close();
    this.#rejectWaiters();
    this.emit('closed');
  }

  #commitReserved(size: number, options: CommitOptions = {}): void {
    if (!this.#reserved)
      throw new MirrorflowError('BAD_OPTION', 'this slot was committed already; reserve one first');
    this.#check();
    if (!this.#flushing) {
      this.#flushing = true;
      this.#turnNs = (performance.timeOrigin + performance.now()) * 1e6;
      queueMicrotask(() => {
        if (this.#flushing && this.#state === 'open') this.flush();
      });
    }
    this.#ring.commit(
      size,
      options.timestampNs ?? this.#turnNs,
      (this.#generation | (options.flags ?? 0)) >>> 0,
    );
    this.#reserved = false;
    this.#written += 1;
    this.#writtenBytes += size;
    if (this.#ring.next - this.#ring.published >= this.#quarter) this.flush();
  }

  #hasCredit(): boolean {
    if (this.#ring.next < this.#granted) return true;
    this.#granted = this.#file.words.load64(HEADER.granted);
    return this.#ring.next < this.#granted;
  }

  #tell(published: number): void {
    this.#told = published;
    this.#answered = false;
    this.#link.signal(MessageKind.PUBLISHED, published);
  }

  #credited(granted: number): void {
    this.#answered = true;
    if (granted > this.#granted) this.#granted = granted;
    if (this.#ring.published !== this.#told) this.#tell(this.#ring.published);
    this.#drainQueue();
    if (this.#queue.length === 0 && !this.#hasCredit()) return;
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  #drainQueue(): void {
    while (this.#queue.length > 0 && this.#hasCredit()) {
      const bytes = this.#queue.shift() as Buffer;
      this.#ring.begin().set(bytes);
      this.#reserved = true;
      this.#commitReserved(bytes.length);
    }
  }

  async #room(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    this.flush(); // a provider that waits has published everything, so that whoever holds it back can go on
    if (this.#queue.length === 0 && this.#hasCredit()) return;
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = { resolve, reject };
      this.#waiters.push(waiter);
      signal?.addEventListener(
        'abort',
        () => {
          const index = this.#waiters.indexOf(waiter);
          if (index >= 0) this.#waiters.splice(index, 1);
          reject(
            signal.reason instanceof Error
              ? signal.reason
              : new MirrorflowError('CLOSED', 'the wait was given up'),
          );
        },
        { once: true },
      );
    });
  }

  #ended(end: LinkEnd): void {
    if (this.#state !== 'open') return;
    this.#state = 'lost';
    this.#rejectWaiters();
    this.emit('lost', end);
  }

  #rejectWaiters(): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#endedError());
  }

  #check(): void {
    if (this.#state !== 'open') throw this.#endedError();
  }

  #endedError(): MirrorflowError {
    const why = this.#state === 'lost' ? 'its duplicator has gone' : 'it was closed';
    return new MirrorflowError('CLOSED', `the flow ${this.flow} cannot be written: ${why}`, {
      flow: this.flow,
    });
  }
}

interface Seat {
  readonly file: FlowFile;
  readonly link: LinkConnection;
  readonly generation: number;
}

/** Says HELLO as the provider; resolves with the generation when the seat is taken. */
async function takeSeat(link: LinkConnection, opened: OpenedFlow): Promise<number> {
  return new Promise((resolve, reject) => {
    link.onMessage((kind, _value, detail) => {
      if (kind === MessageKind.BEGIN) resolve(detail);
      if (kind === MessageKind.REFUSED) {
        const code = unpackRefusal(detail);
        const why =
          code === 'FLOW_BUSY'
            ? 'it has a provider already'
            : `the duplicator refused this provider (${code})`;
        reject(
          new MirrorflowError(code, `the flow ${opened.flow} cannot be provided: ${why}`, {
            flow: opened.flow,
          }),
        );
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
      opened.handle,
      packHello({ role: 'provider', delivery: 'lossless', start: 'latest' }),
    );
  });
}
