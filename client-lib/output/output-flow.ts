/**
 * A flow as its provider sees it: slots of the mapped flow file are reserved, filled in place and
 * committed; the commits of one turn are published together and cost one signal. Credit from the
 * duplicator says how far it may write; what to do without credit is the provider's choice.
 */
import { EventEmitter } from 'eventemitter3';
import type { FlowMark } from '../../protocol/rpc/contract/deliveries.js';
import type { OpenedFlow } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import type { LinkConnection, LinkEnd } from '../../protocol/flow/signal-link/link.js';
import { MessageKind } from '../../protocol/flow/signal-link/messages.js';
import { checkOutputOptions, type OutputFlowOptions, type OutputRules } from './output-options.js';
import { OutputRing } from './output-ring.js';
import { sitDown, type Seat } from './provider-claim.js';
import { OutputSignals } from './output-signals.js';
import type { CommitOptions, OutputSlot, WaitOptions } from './output-slot.js';
import { OutputTurns } from './writer-queue.js';

const TIME_ORIGIN_MS = performance.timeOrigin;
/** What follows it follows in a microtask. */
const TURN = Promise.resolve();

interface OutputFlowEvents {
  /** Nothing more can be written: closed from here, or lost. Once. */
  closed: [];
  /**
   * The duplicator has gone. Nothing is lost: what was published stays in the file, and writers
   * wait until the flow is attached again.
   */
  detached: [end: LinkEnd];
  /** Attached to a new duplicator: it goes on. */
  reattached: [];
  /**
   * The flow did not come back: nothing more can be written until it is opened again. Told after
   * `closed`.
   */
  lost: [end: LinkEnd];
  /**
   * The history of a consumer has reached one of its marks. What that means is the provider's own
   * affair.
   */
  flowControl: [mark: ReachedMark];
  /**
   * This consumer held the writer back for longer than the stall timeout, and is lossy from now on.
   */
  demoted: [consumer: string];
}

/** A flow-control mark that a consumer's history has reached. */
export interface ReachedMark extends FlowMark {
  /** Name of the consumer. */
  readonly consumer: string;
}

interface QueuedBuffer {
  readonly bytes: Buffer;
  readonly timestampNs: number;
  readonly flags?: number;
}

export class OutputFlow extends EventEmitter<OutputFlowEvents> {
  readonly flow: string;
  readonly #rules: OutputRules;
  #ring!: OutputRing;
  #link!: LinkConnection;
  /** Why there is no duplicator just now. */
  #detached: LinkEnd | undefined;
  readonly #turns = new OutputTurns(() => this.#reserved);
  readonly #queue: QueuedBuffer[] = [];
  readonly #slot: { data: Buffer; readonly commit: (size: number, options?: CommitOptions) => void };
  #reserved = false;
  /** The ring that the reserved slot lies in. */
  #slotRing: OutputRing | undefined;
  #signals!: OutputSignals;
  readonly #endTurn = (): void => {
    if (this.#flushing && (this.#state === 'open' || this.#state === 'closing')) this.flush();
  };
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

  /**
   * Attaches to what flow.open answered. Throws FLOW_BUSY when another provider stays there,
   * TIMED_OUT, CLOSED.
   */
  static async attach(opened: OpenedFlow, options: OutputFlowOptions): Promise<OutputFlow> {
    const rules = checkOutputOptions(options);
    return new OutputFlow(opened.flow, rules, await sitDown(opened, rules));
  }

  /**
   * Goes on with another duplicator: in the same file where it took that over, else in its new one.
   * What waits is written then. Throws as `attach`, and TOO_LARGE when the new buffers are smaller;
   * nothing has changed then.
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
    this.#turns.reject(() => this.#endedError(), 'all');
    this.emit('closed');
    this.emit('lost', this.#detached);
  }

  /** Bytes a buffer can hold. */
  get bufferSize(): number {
    return this.#ring.file.geometry.payloadCapacity;
  }

  /** Buffers that can be written now without waiting. */
  get free(): number {
    return this.#ring.free;
  }

  /** Consumers that are attached to the flow now, lossless and lossy. */
  get consumers(): number {
    return this.#ring.file.counter(COUNTERS.consumers.id);
  }

  /** Sequence of the next buffer. */
  get next(): number {
    return this.#ring.next;
  }

  /**
   * Buffers that were given up or overwritten before anybody could read them, by the policy for a
   * full ring.
   */
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
   * Reserves the next slot, without waiting: undefined when no credit is left, or others wait for
   * it. One reservation at a time, committed before anything else is written; reserving again gives
   * the same slot. Throws CLOSED.
   */
  reserveNow(): OutputSlot | undefined {
    this.#check();
    return this.#turns.length === 0 && this.#queue.length === 0 ? this.#begin() : undefined;
  }

  /**
   * Reserves the next slot as soon as the slowest lossless consumer allows. Rejects with CLOSED
   * when the flow ends meanwhile.
   */
  async reserve(options: WaitOptions = {}): Promise<OutputSlot> {
    const slot = this.reserveNow();
    if (slot !== undefined) return slot;
    const begin = (): OutputSlot | undefined => (this.#queue.length === 0 ? this.#begin() : undefined);
    return this.#inTurn(begin, options.signal, true);
  }

  /**
   * Writes one buffer by copying it, in the order of the calls. Without credit the flow's policy
   * decides: `block` waits (the bytes must not change meanwhile), `drop` gives the buffer up,
   * `overwrite` replaces the last one that waits, `grow` lets more of them wait, then blocks.
   * Resolves with false when this buffer or an earlier waiting one was lost to the policy. Rejects
   * with TOO_LARGE, CLOSED.
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
    if (this.#turns.length === 0 && this.#queue.length === 0 && this.#put(bytes)) return true;
    const { whenFull, queue } = this.#rules;
    if (whenFull === 'drop') {
      this.#lost += 1;
      return false;
    }
    if (whenFull !== 'block' && this.#turns.length === 0 && this.#queue.length < queue) {
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
    if (this.#detached === undefined) this.#signals.published(published, this.#turnNs);
  }

  /**
   * Waits until everything written has room, publishes it, and leaves the seat: the flow's source
   * is `ended` then, and another provider may come. Nothing can be written from the call on.
   * Without room it waits as long as the slowest lossless consumer does. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /**
   * Leaves at once, as a provider that dies: what waits is given up, and the flow's source is
   * `stale` then. Idempotent.
   */
  destroy(): void {
    if (this.#state === 'closed' || this.#state === 'lost') return;
    this.#state = 'closed';
    if (this.#detached === undefined) this.#ring.leave();
    this.#link.close();
    this.#turns.reject(() => this.#endedError(), 'all');
    this.emit('closed');
  }

  async #close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#reserved = false; // what was not committed is not waited for
    this.#turns.reject(() => this.#endedError(), 'reservations');
    try {
      await this.#inTurn(() => (this.#queue.length === 0 ? true : undefined), undefined);
    } catch {
      return; // destroyed or lost meanwhile, which is told to whoever wrote
    }
    this.#flushing = false;
    this.#signals.last(this.#ring.publish());
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
    const data = this.#detached === undefined ? this.#ring.begin() : undefined;
    if (data === undefined) return undefined;
    this.#reserved = true;
    this.#slotRing = this.#ring;
    this.#slot.data = data;
    return this.#slot;
  }

  #commitReserved(size: number, options?: CommitOptions): void {
    if (!this.#reserved) throw committedAlready();
    this.#check();
    if (this.#detached === undefined && this.#slotRing === this.#ring) this.#commit(size, options);
    else this.#keep(size, options);
    // Others may have waited while it was filled.
    if (this.#turns.length > 0) this.#turns.serve();
  }

  /**
   * The slot was reserved before its duplicator went: what is in it is the first to be written by
   * the next one.
   */
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
    const full = this.#ring.commit(size, options?.timestampNs ?? this.#turnNs, options?.flags);
    this.#reserved = false;
    this.#written += 1;
    this.#writtenBytes += size;
    if (full) this.flush();
  }

  /** What is committed from now on is published together, at the end of this turn. */
  #beginTurn(): void {
    this.#flushing = true;
    this.#turnNs = nowNs();
    void TURN.then(this.#endTurn); // a third of what queueMicrotask costs
  }

  #follow({ file, link, generation }: Seat): void {
    this.#ring = new OutputRing(file, generation);
    this.#link = link;
    this.#signals = new OutputSignals(link, this.#ring);
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

  #credited(): void {
    this.#signals.answered(this.#turnNs);
    this.#drainQueue();
    this.#turns.serve();
  }

  #drainQueue(): void {
    // A slot that is being filled in place comes first.
    while (this.#queue[0] !== undefined && !this.#reserved) {
      const { bytes, ...options } = this.#queue[0];
      if (!this.#put(bytes, options)) break;
      this.#queue.shift();
    }
  }

  /** Resolves with what `serve` gives when it is this one's turn and it gives something. */
  async #inTurn<T>(
    serve: () => T | undefined,
    signal: AbortSignal | undefined,
    reserves = false,
  ): Promise<T> {
    signal?.throwIfAborted();
    this.flush(); // a provider that waits has published everything, so that whoever holds it back can go on
    return this.#turns.wait(serve, signal, reserves);
  }

  /**
   * What was committed is published: consumers that have the file read it, and so will those of the
   * next duplicator.
   */
  #detach(end: LinkEnd): void {
    if (this.#state === 'closed' || this.#state === 'lost') return;
    this.#ring.publish();
    this.#detached = end;
    // Without anybody who attaches it again it has ended.
    if (!this.emit('detached', end)) this.finish();
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

function committedAlready(): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', 'this slot was committed already; reserve one first');
}

function nowNs(): number {
  return (TIME_ORIGIN_MS + performance.now()) * 1e6;
}
