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
import { checkOutputOptions, type OutputFlowOptions, type OutputRules } from './output-options.js';
import { bytesOf } from '../types/bytes.js';
import { abortedError, checkWait } from '../call-options.js';
import { CommitTurn, nowNs } from './commit-turn.js';
import { checkCommitOptions, checkSize } from './output-slot.js';
import { ProviderAttachment } from './provider-attachment.js';
import { claimProvider, type ProviderClaim } from './provider-claim.js';
import type { CommitOptions, OutputSlot, WaitOptions } from './output-slot.js';
import type { RingSlot, SlotOwner } from './ring-slot.js';
import { WriteBacklog } from './write-backlog.js';
import { WriterQueue } from './writer-queue.js';

const WAIT_OPTIONS = ['signal'] as const;

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

/**
 * What a write puts into a slot: bytes, or a function that writes them and returns their number.
 */
type Content = Uint8Array | ((target: Uint8Array) => number);

/** Access to private members for the functions at the end of this module. */
interface Internals {
  create(flow: string, rules: OutputRules, claim: ProviderClaim): OutputFlow;
  reattach(flow: OutputFlow, opened: OpenedFlow): Promise<void>;
  endDetached(flow: OutputFlow): void;
  closesWith(flow: OutputFlow, released: () => Promise<void>): void;
  writeEncoded(
    flow: OutputFlow,
    encode: (target: Uint8Array) => number,
    options: WaitOptions | undefined,
  ): boolean | Promise<boolean>;
}

let internals: Internals;

export class OutputFlow extends EventEmitter<OutputFlowEvents> {
  /** Name of the flow. */
  readonly flow: string;
  readonly #rules: OutputRules;
  #attachment: ProviderAttachment;
  /** Writes and reservations that wait for room in the ring. */
  readonly #writers = new WriterQueue();
  /** Buffers that wait on this side for room in the ring. */
  readonly #backlog = new WriteBacklog();
  readonly #turn = new CommitTurn(() => {
    if (this.#state === 'open' || this.#state === 'closing') this.flush();
  });
  readonly #slotOwner: SlotOwner = {
    commit: (slot, size, options) => this.#commitReserved(slot, size, options),
    abandon: (slot) => this.#abandon(slot),
  };
  readonly #written = { buffers: 0, bytes: 0 };
  #lost = 0;
  #state: 'open' | 'closing' | 'closed' | 'lost' = 'open';
  #closing: Promise<void> | undefined;
  /** Resolves when the app server has released the provider role too. */
  #released: () => Promise<void> = () => Promise.resolve();

  private constructor(flow: string, rules: OutputRules, claim: ProviderClaim) {
    super();
    this.flow = flow;
    this.#rules = rules;
    this.#attachment = this.#attach(claim);
  }

  static {
    internals = {
      create: (flow, rules, claim) => new OutputFlow(flow, rules, claim),
      reattach: (flow, opened) => flow.#reattach(opened),
      endDetached: (flow) => flow.#endDetached(),
      closesWith: (flow, released) => void (flow.#released = released),
      writeEncoded: (flow, encode, options) => flow.#write(encode, options),
    };
  }

  async #reattach(opened: OpenedFlow): Promise<void> {
    this.#checkNotOver();
    const claim = await claimProvider(opened, this.#rules, this.#attachment.earlier);
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
    this.#attachment = this.#attach(claim);
    this.emit('reattached');
    this.#credited();
  }

  #endDetached(): void {
    const { end } = this.#attachment;
    if (this.#state === 'closed' || this.#state === 'lost' || end === undefined) return;
    this.#state = 'lost';
    this.#writers.reject(() => this.#endedError(), 'all');
    this.emit('closed');
    this.emit('lost', end);
  }

  /** Bytes a buffer can hold. */
  get bufferSize(): number {
    return this.#attachment.ring.file.geometry.payloadCapacity;
  }

  /** Buffers that can be written or reserved now without waiting. */
  get free(): number {
    return this.#attachment.ring.free;
  }

  /** Number of consumers attached to the flow now, lossless and lossy. */
  get consumers(): number {
    return this.#attachment.ring.file.counter(COUNTERS.consumers.id);
  }

  /** Sequence of the next buffer: of the oldest reserved slot while slots are reserved. */
  get next(): number {
    return this.#attachment.ring.next;
  }

  /** Buffers that the policy for a full ring dropped or replaced before they were published. */
  get lost(): number {
    return this.#lost;
  }

  /** Buffers and bytes committed since the flow was opened here. */
  get written(): { readonly buffers: number; readonly bytes: number } {
    return { ...this.#written };
  }

  /** Buffers that wait on this side for room in the ring. */
  get queued(): number {
    return this.#backlog.length;
  }

  /**
   * Reserves the next slot without waiting: undefined without credit, or while other writers wait.
   * Each reservation has its own slot; buffers are published in the order of reservation. Throws
   * CLOSED.
   */
  reserveNow(): OutputSlot | undefined {
    this.#check();
    return this.#writers.length === 0 && this.#backlog.length === 0 ? this.#reserve() : undefined;
  }

  /**
   * Reserves the next slot as soon as the slowest lossless consumer allows. Rejects with CLOSED
   * when the flow ends meanwhile or the wait is aborted.
   */
  async reserve(options?: WaitOptions): Promise<OutputSlot> {
    if (options !== undefined) checkWait('reserve', options, WAIT_OPTIONS);
    const slot = this.reserveNow();
    if (slot !== undefined) return slot;
    const reserve = (): OutputSlot | undefined => (this.#backlog.length === 0 ? this.#reserve() : undefined);
    return this.#inTurn(reserve, options?.signal, true);
  }

  /**
   * Writes one buffer by copying it, in the order of the calls and after slots that were reserved
   * before: the bytes of a typed array, a Buffer or a DataView. Without credit the flow's policy
   * decides: `block` waits (the bytes must not change meanwhile), `drop` drops the buffer,
   * `overwrite` replaces the newest queued one, `grow` queues up to `queue` buffers, then blocks.
   * Resolves with false when the policy dropped or replaced a buffer. Rejects with BAD_OPTION for
   * anything else than bytes, TOO_LARGE, CLOSED (also when aborted).
   */
  async write(bytes: ArrayBufferView, options?: WaitOptions): Promise<boolean> {
    const content = bytesOf(bytes);
    if (content.length > this.bufferSize) checkSize(content.length, this.bufferSize);
    return this.#write(content, options);
  }

  /** Publishes the commits of this turn now, instead of at its end. */
  flush(): void {
    this.#turn.close();
    if (this.#state === 'closed' || this.#state === 'lost') return;
    this.#attachment.publish(this.#turn.startedNs);
  }

  /**
   * Waits until everything written has room, publishes it, and releases the provider role: the
   * flow's source is `ended` then, and another provider may claim the role. Reserved slots are
   * abandoned, and nothing can be written from the call on. Without room it waits for the slowest
   * lossless consumer. Idempotent.
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
    this.#attachment.leave();
    this.#writers.reject(() => this.#endedError(), 'all');
    this.emit('closed');
  }

  async #close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#attachment.ring.abandonAll();
    this.#backlog.abandonAll();
    this.#writers.reject(() => this.#endedError(), 'reservations');
    this.#drainBacklog();
    try {
      await this.#inTurn(() => (this.#backlog.length === 0 ? true : undefined), undefined);
    } catch {
      return; // destroyed or lost meanwhile: the waiting writes were rejected with that
    }
    this.#turn.close();
    this.#attachment.publishLast();
    const { linkEnded } = this.#attachment;
    this.destroy();
    await linkEnded;
    await this.#released();
  }

  #write(content: Content, options: WaitOptions | undefined): boolean | Promise<boolean> {
    if (options !== undefined) checkWait('write', options, WAIT_OPTIONS);
    this.#check();
    const { whenFull, queue } = this.#rules;
    const backlog = this.#backlog;
    if (this.#writers.length === 0 && backlog.length === 0 && this.#put(content)) return true;
    if (whenFull === 'block')
      return this.#inTurn(
        () => (backlog.length === 0 && this.#put(content) ? true : undefined),
        options?.signal,
      );
    const bytes = this.#copyOf(content);
    if (whenFull === 'drop') {
      this.#lost += 1;
      return false;
    }
    if (this.#writers.length === 0 && backlog.queued < queue) {
      backlog.push(bytes, nowNs());
      return true;
    }
    if (whenFull === 'overwrite') {
      backlog.replaceNewest(bytes, nowNs());
      this.#lost += 1;
      return false;
    }
    return this.#inTurn(() => {
      if (backlog.length === 0 && this.#put(bytes)) return true;
      if (backlog.queued >= queue) return undefined;
      backlog.push(bytes, nowNs());
      return true;
    }, options?.signal);
  }

  /** The content in memory of its own. */
  #copyOf(content: Content): Buffer {
    if (typeof content !== 'function') return Buffer.from(content);
    const bytes = Buffer.allocUnsafe(this.bufferSize);
    return bytes.subarray(0, content(bytes));
  }

  /** False without credit. Throws what an encoder throws; nothing is published then. */
  #put(content: Content, timestampNs?: number, flags = 0): boolean {
    const slot = this.#reserve();
    if (slot === undefined) return false;
    let size: number;
    if (typeof content === 'function') {
      try {
        size = content(slot.data);
      } catch (error) {
        this.#attachment.ring.abandon(slot);
        throw error;
      }
    } else {
      slot.data.set(content);
      size = content.length;
    }
    this.#commit(slot, size, timestampNs, flags);
    return true;
  }

  /** Undefined without credit. */
  #reserve(): RingSlot | undefined {
    const attachment = this.#attachment;
    return attachment.isOpen ? attachment.ring.reserve() : undefined;
  }

  #commitReserved(slot: RingSlot, size: number, options: CommitOptions | undefined): void {
    this.#check();
    checkReserved(slot);
    checkSize(size, slot.data.length);
    if (options !== undefined) checkCommitOptions(options);
    const flags = options?.flags ?? 0;
    if (this.#isInRing(slot)) return this.#commit(slot, size, options?.timestampNs, flags);
    this.#backlog.complete(slot, size, options?.timestampNs ?? nowNs(), flags);
    this.#drainBacklog();
    this.#writers.serve();
  }

  #abandon(slot: RingSlot): void {
    this.#check();
    checkReserved(slot);
    if (this.#isInRing(slot)) {
      this.#turn.begin(); // later slots may be complete now
      this.#attachment.ring.abandon(slot);
    } else {
      this.#backlog.abandon(slot);
      this.#drainBacklog();
    }
    this.#writers.serve();
  }

  /** False when the link, on which the slot was reserved, has ended since. */
  #isInRing(slot: RingSlot): boolean {
    return this.#attachment.isOpen && this.#attachment.ring === slot.ring;
  }

  #commit(slot: RingSlot, size: number, timestampNs: number | undefined, flags: number): void {
    this.#turn.begin();
    const full = this.#attachment.ring.commit(slot, size, timestampNs ?? this.#turn.startedNs, flags);
    this.#written.buffers += 1;
    this.#written.bytes += size;
    if (full) this.flush();
  }

  #attach(claim: ProviderClaim): ProviderAttachment {
    return new ProviderAttachment(
      claim,
      this.#slotOwner,
      (from) => {
        if (from === this.#attachment) this.#credited();
      },
      (from, end) => {
        if (from === this.#attachment) this.#detach(end);
      },
    );
  }

  #credited(): void {
    this.#attachment.signals.answered(this.#turn.startedNs);
    this.#drainBacklog();
    this.#writers.serve();
  }

  #drainBacklog(): void {
    if (this.#backlog.length > 0)
      this.#backlog.drain((bytes, timestampNs, flags) => this.#put(bytes, timestampNs, flags));
  }

  /** Resolves with the result of `serve`, called in the order of the waits, once it has one. */
  async #inTurn<T>(
    serve: () => T | undefined,
    signal: AbortSignal | undefined,
    reserves = false,
  ): Promise<T> {
    if (signal?.aborted === true) throw abortedError(reserves ? 'reservation' : 'write', signal);
    this.flush(); // the consumer that holds this provider back may be waiting for these buffers
    return this.#writers.wait(serve, signal, reserves);
  }

  /**
   * Publishes what was committed: consumers that have the file mapped read it without a duplicator,
   * and the next duplicator may take the file over.
   */
  #detach(end: LinkEnd): void {
    if (this.#state === 'closed' || this.#state === 'lost') return;
    const attachment = this.#attachment;
    attachment.ring.publish();
    attachment.end = end;
    this.#backlog.rescue(attachment.ring.takePending());
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

function checkReserved(slot: RingSlot): void {
  if (slot.state === 'reserved') return;
  throw new MirrorflowError('BAD_OPTION', 'this slot was committed or abandoned already; reserve one first');
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

/** `close` of the flow resolves after `released` too. */
export function closeOutputFlowWith(flow: OutputFlow, released: () => Promise<void>): void {
  internals.closesWith(flow, released);
}

/** Ends a detached flow that will not be reattached: `closed`, then `lost` are emitted. */
export function endDetachedOutputFlow(flow: OutputFlow): void {
  internals.endDetached(flow);
}

/**
 * As `OutputFlow.write`, of a buffer that `encode` writes: it gets the slot itself where there is
 * room, and returns the number of bytes. Rejects with what it throws; nothing is published then.
 */
export async function writeEncoded(
  flow: OutputFlow,
  encode: (target: Uint8Array) => number,
  options: WaitOptions | undefined,
): Promise<boolean> {
  return internals.writeEncoded(flow, encode, options);
}
