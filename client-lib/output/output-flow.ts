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
import { checkWait } from '../call-options.js';
import { leftMapping } from '../link/replaced-file.js';
import { OutputBuffers, type Content } from './output-buffers.js';
import { checkSize } from './output-slot.js';
import { ProviderAttachment } from './provider-attachment.js';
import { claimProvider, type ProviderClaim } from './provider-claim.js';
import type { OutputSlot, WaitOptions } from './output-slot.js';

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
  end: [end: LinkEnd];
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

/** A flow that this program provides, from `client.openOutput`. */
export class OutputFlow extends EventEmitter<OutputFlowEvents> {
  /** Name of the flow. */
  readonly flow: string;
  readonly #rules: OutputRules;
  #attachment: ProviderAttachment;
  readonly #buffers: OutputBuffers;
  #state: 'open' | 'closing' | 'closed' | 'lost' = 'open';
  #closing: Promise<void> | undefined;
  /** Resolves when the app server has released the provider role too. */
  #released: () => Promise<void> = () => Promise.resolve();

  private constructor(flow: string, rules: OutputRules, claim: ProviderClaim) {
    super();
    this.flow = flow;
    this.#rules = rules;
    this.#buffers = new OutputBuffers(
      rules,
      () => this.#check(),
      () => this.flush(),
    );
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
    leftMapping(this.#attachment.ring.file.geometry.fileBytes);
    this.#attachment = this.#attach(claim);
    this.emit('reattached');
    this.#buffers.credited();
  }

  #endDetached(): void {
    const { end } = this.#attachment;
    if (this.#isOver || end === undefined) return;
    this.#state = 'lost';
    this.#buffers.rejectAll(() => this.#endedError());
    this.emit('closed');
    this.emit('end', end);
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
    return this.#buffers.lost;
  }

  /** Buffers and bytes committed since the flow was opened here. */
  get written(): { readonly buffers: number; readonly bytes: number } {
    return this.#buffers.written;
  }

  /** Buffers that wait on this side for room in the ring. */
  get queued(): number {
    return this.#buffers.queued;
  }

  /**
   * Reserves the next slot without waiting: undefined without credit, or while other writers wait.
   * Each reservation has its own slot; buffers are published in the order of reservation. Throws
   * CLOSED.
   */
  reserveNow(): OutputSlot | undefined {
    this.#check();
    return this.#buffers.reserveNow();
  }

  /**
   * Reserves the next slot as soon as the slowest lossless consumer allows. Rejects with CLOSED
   * when the flow ends meanwhile or the wait is aborted.
   */
  async reserve(options?: WaitOptions): Promise<OutputSlot> {
    if (options !== undefined) checkWait('reserve', options, WAIT_OPTIONS);
    return this.reserveNow() ?? this.#buffers.reserve(options?.signal);
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
    this.#buffers.flush(this.#isOver);
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
    if (this.#isOver) return;
    this.#state = 'closed';
    this.#attachment.leave();
    this.#buffers.rejectAll(() => this.#endedError());
    this.emit('closed');
  }

  async #close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    try {
      await this.#buffers.finish(() => this.#endedError());
    } catch {
      return; // destroyed or lost meanwhile: the waiting writes were rejected with that
    }
    this.#buffers.publishLast();
    const { linkEnded } = this.#attachment;
    this.destroy();
    await linkEnded;
    await this.#released();
  }

  #write(content: Content, options: WaitOptions | undefined): boolean | Promise<boolean> {
    if (options !== undefined) checkWait('write', options, WAIT_OPTIONS);
    this.#check();
    return this.#buffers.write(content, options?.signal);
  }

  #attach(claim: ProviderClaim): ProviderAttachment {
    const attachment = new ProviderAttachment(
      claim,
      this.#buffers,
      (from) => {
        if (from === this.#attachment) this.#buffers.credited();
      },
      (from, end) => {
        if (from === this.#attachment) this.#detach(end);
      },
    );
    this.#buffers.attach(attachment);
    return attachment;
  }

  /**
   * Publishes what was committed: consumers that have the file mapped read it without a duplicator,
   * and the next duplicator may take the file over.
   */
  #detach(end: LinkEnd): void {
    if (this.#isOver) return;
    this.#attachment.end = end;
    this.#buffers.detached();
    // Without a listener no session will reattach the flow.
    if (!this.emit('detached', end)) this.#endDetached();
  }

  #check(): void {
    if (this.#state !== 'open') throw this.#endedError();
  }

  #checkNotOver(): void {
    if (this.#isOver) throw this.#endedError();
  }

  get #isOver(): boolean {
    return this.#state === 'closed' || this.#state === 'lost';
  }

  #endedError(): MirrorflowError {
    const why = this.#state === 'lost' ? 'its duplicator has ended; open the flow again' : 'it was closed';
    return new MirrorflowError('CLOSED', `the flow ${this.flow} cannot be written: ${why}`, {
      flow: this.flow,
    });
  }
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
