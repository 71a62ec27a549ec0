/**
 * The provider side of a flow (a stream of fixed-size buffers to any number of consumers) as a
 * program uses it: `Client.openOutput` returns it. Slots of the mapped flow file are reserved,
 * filled in place and committed; the commits of one turn of the event loop are published together
 * and cost one signal. The duplicator grants credit, the sequence below which may be written; the
 * option `whenFull` decides what happens without credit. Writes the flow file and the signal link.
 * The functions at the end are for the session and for tests; index.ts does not export them.
 */
import { EventEmitter } from 'eventemitter3';
import type { FlowMark } from '../../protocol/rpc/contract/deliveries.js';
import type { OpenedFlow } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import type { LinkEnd } from '../../protocol/flow/signal-link/link.js';
import { MessageKind } from '../../protocol/flow/signal-link/messages.js';
import { checkOutputOptions, type OutputFlowOptions, type OutputRules } from './output-options.js';
import { OutputRing } from './output-ring.js';
import type { JoinedLink } from '../link/handshake.js';
import { claimProvider, type ProviderClaim } from './provider-claim.js';
import { OutputSignals } from './output-signals.js';
import type { CommitOptions, OutputSlot, WaitOptions } from './output-slot.js';
import { WriterQueue } from './writer-queue.js';

const TIME_ORIGIN_MS = performance.timeOrigin;
/** Callbacks of `then` run as a microtask, at the end of the present turn. */
const TURN = Promise.resolve();

interface OutputFlowEvents {
  /** Nothing more can be written: the flow is closed or lost. Emitted once. */
  closed: [];
  /**
   * The link to the duplicator has ended. Nothing is lost: published buffers stay in the file, and
   * writers wait until the flow is reattached.
   */
  detached: [end: LinkEnd];
  /** Attached to a new duplicator: writing continues. */
  reattached: [];
  /** The flow could not be reattached: open it again. Emitted after `closed`. */
  lost: [end: LinkEnd];
  /** The history of a consumer has reached one of its marks; how to react is up to the provider. */
  flowControl: [mark: ReachedMark];
  /** This consumer held the writer back beyond the stall timeout, and is lossy from now on. */
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

/** Access to private members for the functions at the end of this module. */
interface Internals {
  create(flow: string, rules: OutputRules, claim: ProviderClaim): OutputFlow;
  reattach(flow: OutputFlow, opened: OpenedFlow): Promise<void>;
  endDetached(flow: OutputFlow): void;
}

let internals: Internals;

export class OutputFlow extends EventEmitter<OutputFlowEvents> {
  /** Name of the flow. */
  readonly flow: string;
  readonly #rules: OutputRules;
  #ring!: OutputRing;
  #link!: JoinedLink;
  /** Why the link has ended; undefined while it is open. */
  #detached: LinkEnd | undefined;
  readonly #writers = new WriterQueue(() => this.#reserved);
  /**
   * Buffers that wait on this side for room in the ring, by the policies `overwrite` and `grow`.
   */
  readonly #queue: QueuedBuffer[] = [];
  readonly #slot: { data: Buffer; readonly commit: (size: number, options?: CommitOptions) => void };
  #reserved = false;
  /** Ring of the reserved slot, which a reattachment replaces. */
  #slotRing: OutputRing | undefined;
  #signals!: OutputSignals;
  readonly #endTurn = (): void => {
    if (this.#flushing && (this.#state === 'open' || this.#state === 'closing')) this.flush();
  };
  /** Commits of this turn wait to be published. */
  #flushing = false;
  /** Wall clock of the first commit of this turn. */
  #turnNs = 0;
  #writtenBytes = 0;
  #written = 0;
  #lost = 0;
  #state: 'open' | 'closing' | 'closed' | 'lost' = 'open';
  #closing: Promise<void> | undefined;
  /** Resolves when the link has ended on both sides. */
  #linkEnded: Promise<void> = Promise.resolve();

  private constructor(flow: string, rules: OutputRules, claim: ProviderClaim) {
    super();
    this.flow = flow;
    this.#rules = rules;
    this.#slot = { data: Buffer.alloc(0), commit: (size, options) => this.#commitReserved(size, options) };
    this.#follow(claim);
  }

  static {
    internals = {
      create: (flow, rules, claim) => new OutputFlow(flow, rules, claim),
      reattach: (flow, opened) => flow.#reattach(opened),
      endDetached: (flow) => flow.#endDetached(),
    };
  }

  async #reattach(opened: OpenedFlow): Promise<void> {
    this.#checkNotOver();
    const claim = await claimProvider(opened, this.#rules);
    const { payloadCapacity } = claim.file.geometry;
    try {
      this.#checkNotOver();
      if (payloadCapacity < this.bufferSize) {
        throw new MirrorflowError(
          'TOO_LARGE',
          `the flow ${this.flow} now has buffers of ${payloadCapacity} bytes, and had ${this.bufferSize}: open it again`,
          { flow: this.flow, payloadCapacity },
        );
      }
    } catch (error) {
      claim.link.connection.destroy();
      throw error;
    }
    this.#follow(claim);
    this.emit('reattached');
    this.#credited();
  }

  #endDetached(): void {
    if (this.#state === 'closed' || this.#state === 'lost' || this.#detached === undefined) return;
    this.#state = 'lost';
    this.#writers.reject(() => this.#endedError(), 'all');
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

  /** Number of consumers attached to the flow now, lossless and lossy. */
  get consumers(): number {
    return this.#ring.file.counter(COUNTERS.consumers.id);
  }

  /** Sequence of the next buffer. */
  get next(): number {
    return this.#ring.next;
  }

  /** Buffers that the policy for a full ring dropped or replaced before they were published. */
  get lost(): number {
    return this.#lost;
  }

  /** Buffers and bytes committed since the flow was opened here. */
  get written(): { readonly buffers: number; readonly bytes: number } {
    return { buffers: this.#written, bytes: this.#writtenBytes };
  }

  /** Buffers that wait on this side for room in the ring. */
  get queued(): number {
    return this.#queue.length;
  }

  /**
   * Reserves the next slot without waiting: undefined without credit, or while other writers wait.
   * One reservation at a time, committed before anything else is written; reserving again returns
   * the same slot. Throws CLOSED.
   */
  reserveNow(): OutputSlot | undefined {
    this.#check();
    return this.#writers.length === 0 && this.#queue.length === 0 ? this.#begin() : undefined;
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
   * decides: `block` waits (the bytes must not change meanwhile), `drop` drops the buffer,
   * `overwrite` replaces the newest queued one, `grow` queues up to `queue` buffers, then blocks.
   * Resolves with false when the policy dropped or replaced a buffer. Rejects with TOO_LARGE,
   * CLOSED.
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
    if (this.#writers.length === 0 && this.#queue.length === 0 && this.#put(bytes)) return true;
    const { whenFull, queue } = this.#rules;
    if (whenFull === 'drop') {
      this.#lost += 1;
      return false;
    }
    if (whenFull !== 'block' && this.#writers.length === 0 && this.#queue.length < queue) {
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

  /** Publishes the commits of this turn now, instead of at its end. */
  flush(): void {
    this.#flushing = false;
    if (this.#state === 'closed' || this.#state === 'lost') return;
    const published = this.#ring.publish();
    if (this.#detached === undefined) this.#signals.published(published, this.#turnNs);
  }

  /**
   * Waits until everything written has room, publishes it, and releases the provider role: the
   * flow's source is `ended` then, and another provider may claim the role. Nothing can be written
   * from the call on. Without room it waits for the slowest lossless consumer. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /**
   * Releases the provider role at once, as a killed provider does: queued buffers are dropped,
   * waiting writes are rejected, and the flow's source is `stale` then. Idempotent.
   */
  destroy(): void {
    if (this.#state === 'closed' || this.#state === 'lost') return;
    this.#state = 'closed';
    if (this.#detached === undefined) this.#ring.leave();
    this.#link.connection.close();
    this.#writers.reject(() => this.#endedError(), 'all');
    this.emit('closed');
  }

  async #close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#reserved = false; // a slot that was not committed is dropped
    this.#writers.reject(() => this.#endedError(), 'reservations');
    try {
      await this.#inTurn(() => (this.#queue.length === 0 ? true : undefined), undefined);
    } catch {
      return; // destroyed or lost meanwhile: the waiting writes were rejected with that
    }
    this.#flushing = false;
    this.#signals.last(this.#ring.publish());
    this.destroy();
    await this.#linkEnded;
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
    if (!this.#reserved) {
      throw new MirrorflowError('BAD_OPTION', 'this slot was committed already; reserve one first');
    }
    this.#check();
    if (this.#detached === undefined && this.#slotRing === this.#ring) this.#commit(size, options);
    else this.#queueReserved(size, options);
    // Writers may have queued while the slot was filled.
    if (this.#writers.length > 0) this.#writers.serve();
  }

  /**
   * The slot was reserved on a link that has ended since: its payload is the first to be written
   * after the reattachment.
   */
  #queueReserved(size: number, options?: CommitOptions): void {
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

  /** Commits from now on are published together, at the end of this turn. */
  #beginTurn(): void {
    this.#flushing = true;
    this.#turnNs = nowNs();
    void TURN.then(this.#endTurn); // a third of what queueMicrotask costs
  }

  #follow({ file, link }: ProviderClaim): void {
    this.#ring = new OutputRing(file, link.generation);
    this.#link = link;
    this.#signals = new OutputSignals(link.connection, this.#ring);
    this.#detached = undefined;
    link.connection.onMessage((kind) => {
      if (kind === MessageKind.CREDIT && this.#link === link) this.#credited();
    });
    this.#linkEnded = new Promise((resolve) => {
      link.onEnd((end) => {
        resolve();
        if (this.#link === link) this.#detach(end);
      });
    });
  }

  #credited(): void {
    this.#signals.answered(this.#turnNs);
    this.#drainQueue();
    this.#writers.serve();
  }

  #drainQueue(): void {
    // A slot that is being filled in place has an earlier sequence.
    while (this.#queue[0] !== undefined && !this.#reserved) {
      const { bytes, ...options } = this.#queue[0];
      if (!this.#put(bytes, options)) break;
      this.#queue.shift();
    }
  }

  /** Resolves with the result of `serve`, called in the order of the waits, once it has one. */
  async #inTurn<T>(
    serve: () => T | undefined,
    signal: AbortSignal | undefined,
    reserves = false,
  ): Promise<T> {
    signal?.throwIfAborted();
    this.flush(); // the consumer that holds this provider back may be waiting for these buffers
    return this.#writers.wait(serve, signal, reserves);
  }

  /**
   * Publishes what was committed: consumers that have the file mapped read it without a duplicator,
   * and the next duplicator may take the file over.
   */
  #detach(end: LinkEnd): void {
    if (this.#state === 'closed' || this.#state === 'lost') return;
    this.#ring.publish();
    this.#detached = end;
    // Without a listener no session will reattach the flow.
    if (!this.emit('detached', end)) this.#endDetached();
  }

  #check(): void {
    if (this.#state !== 'open') throw this.#endedError();
  }

  #checkNotOver(): void {
    if (this.#state === 'closed' || this.#state === 'lost') throw this.#endedError();
  }

  #endedError(): MirrorflowError {
    const why = this.#state === 'lost' ? 'its duplicator has ended; open the flow again' : 'it was closed';
    return new MirrorflowError('CLOSED', `the flow ${this.flow} cannot be written: ${why}`, {
      flow: this.flow,
    });
  }
}

function nowNs(): number {
  return (TIME_ORIGIN_MS + performance.now()) * 1e6;
}

/**
 * Attaches to the flow that `flow.open` of the app server answered, as its provider. Throws
 * BAD_OPTION, and as `claimProvider`.
 */
export async function attachOutputFlow(opened: OpenedFlow, options: OutputFlowOptions): Promise<OutputFlow> {
  const rules = checkOutputOptions(options);
  return internals.create(opened.flow, rules, await claimProvider(opened, rules));
}

/**
 * Continues with another duplicator: in the same file where it has taken that over, else in its new
 * one; queued buffers are written then. Throws as `attachOutputFlow`, TOO_LARGE when the new
 * buffers are smaller, CLOSED; nothing has changed then.
 */
export function reattachOutputFlow(flow: OutputFlow, opened: OpenedFlow): Promise<void> {
  return internals.reattach(flow, opened);
}

/** Ends a detached flow that will not be reattached: `closed`, then `lost` are emitted. */
export function endDetachedOutputFlow(flow: OutputFlow): void {
  internals.endDetached(flow);
}
