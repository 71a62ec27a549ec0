/**
 * The consumer side of a flow (a stream of fixed-size buffers from one provider) as a program uses
 * it: `Client.openInput` returns it. Serves takes of every kind in order over one of two engines,
 * `ThreadedEngine` or `InlineEngine`, and releases borrowed buffers. Does no I/O of its own. The
 * functions at the end are for the session and for tests; index.ts does not export them.
 */
import { EventEmitter } from 'eventemitter3';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { LinkEnd } from '../../protocol/flow/signal-link/link.js';
import type { Delivery } from '../../protocol/flow/signal-link/messages.js';
import { InlineEngine } from './inline-engine.js';
import type { AttachTarget } from './consumer-link.js';
import type { MarkIdentity } from './mark-sender.js';
import type { FlowControlSettings } from './flow-thread/thread-messages.js';
import { badOption, checkBuffers } from './history/history-rules.js';
import { checkTime, checkWait } from '../call-options.js';
import { OwnedBuffer, type FlowBuffer } from './flow-buffer.js';
import type { EngineListener, InputEngine, PollHandler } from './input-engine.js';
import { checkInputOptions, type InputRules, type InputFlowOptions } from './input-options.js';
import { ThreadedEngine } from './threaded-engine.js';
import { TakeQueue, type TakeOptions } from './take-queue.js';

/** The app server's socket, and the client's session there. */
export interface ControlPath {
  readonly socket: string;
  readonly session: string;
}

export interface InputFlowEvents {
  /**
   * State of the flow's source: `live` while its provider is attached, `ended` when the provider
   * has closed the flow, `stale` when the provider's link ended without that. Buffers published
   * before the change may still be ready. `generation`: number of the provider.
   */
  state: [state: SourceState, generation: number];
  /** The next buffer taken is the first of another provider; emitted just before that take. */
  provider: [generation: number];
  /**
   * Sequences start again from 0 in a new epoch. Buffers of the previous epoch may still be ready;
   * `FlowBuffer.epoch` distinguishes them.
   */
  restarted: [epoch: number];
  /** Number of buffers lost since the last event: lapped, overwritten or dropped. */
  lost: [buffers: number];
  /** This consumer held the provider back beyond the stall timeout: it is lossy from now on. */
  demoted: [];
  /**
   * The link to the duplicator has ended. `end` follows, unless the session reattaches the flow.
   */
  detached: [end: LinkEnd];
  /** No more buffers will become ready; emitted once. Ready ones can still be taken. */
  end: [end: LinkEnd];
}

const TAKE_OPTIONS = ['signal', 'timeoutMs'] as const;
const NO_OPTIONS: TakeOptions = {};

/** The buffer that a `for await` loop has borrowed: valid until the loop's next step. */
interface Loop {
  buffer: FlowBuffer | undefined;
}

/** Access to private members for the functions at the end of this module. */
interface Internals {
  open(
    target: AttachTarget,
    options: InputFlowOptions,
    whenDetached: 'end' | 'hold',
    control?: ControlPath,
  ): Promise<InputFlow>;
  reattach(flow: InputFlow, target: AttachTarget): Promise<void>;
  identify(flow: InputFlow, identity: MarkIdentity): void;
  endDetached(flow: InputFlow): void;
}

let internals: Internals;

/** A flow that this program consumes, from `client.openInput`. */
export class InputFlow extends EventEmitter<InputFlowEvents> implements AsyncIterable<FlowBuffer> {
  readonly #engine: InputEngine;
  readonly #takes: TakeQueue;
  /** Taken and not released by the user: the next take releases them. */
  #borrowed: FlowBuffer[] = [];
  /** The `for await` loops that run now. */
  readonly #loops = new Set<Loop>();
  /** Returned by `newest`: the next take or `newest` releases them. */
  #peeked: FlowBuffer[] = [];
  readonly #borrow = (buffer: FlowBuffer): void => {
    this.#borrowed.push(buffer);
    this.#deliver(buffer);
  };
  #delivery: Delivery;
  #paused = false;
  /** Generation of the buffer taken last. */
  #lastGeneration: number | undefined;
  /** Buffers that the provider overwrote while `copies` copied them. */
  #overwritten = 0;
  /** Part of `lost` that `lost` events have reported. */
  #reportedLost = 0;
  #end: LinkEnd | undefined;
  #closing: Promise<void> | undefined;

  private constructor(engine: InputEngine, delivery: Delivery) {
    super();
    this.#delivery = delivery;
    this.#engine = engine;
    this.#takes = new TakeQueue(engine, () => this.ended);
  }

  static {
    internals = {
      async open(target, options, whenDetached, control) {
        const checked = checkInputOptions(options);
        const flowControl = flowControlSettings(checked, target, control);
        // Undefined while the engine opens: events of that time are visible as properties later.
        const opening: { flow?: InputFlow } = {};
        const listener: EngineListener = {
          onReady: () => {
            if (opening.flow !== undefined) opening.flow.#takes.serve();
          },
          onState: (state, generation) => opening.flow?.emit('state', state, generation),
          onRestarted: (epoch) => opening.flow?.emit('restarted', epoch),
          onLost: () => {
            if (opening.flow !== undefined) opening.flow.#emitLost();
          },
          onDemoted: () => {
            if (opening.flow === undefined) return;
            opening.flow.#delivery = 'lossy';
            opening.flow.emit('demoted');
          },
          onDetached: (end) => opening.flow?.emit('detached', end),
          onEnded: (end) => {
            if (opening.flow !== undefined) opening.flow.#emitEnd(end);
          },
        };
        const engine = checked.inline
          ? await InlineEngine.open(target, checked, options.history, whenDetached, listener)
          : await ThreadedEngine.open(target, checked, whenDetached, listener, flowControl);
        opening.flow = new InputFlow(engine, checked.delivery);
        return opening.flow;
      },
      reattach(flow, target) {
        if (flow.#end === undefined) return flow.#engine.reattach(target);
        return Promise.reject(new MirrorflowError('CLOSED', 'the input flow has ended: open it again'));
      },
      identify(flow, identity) {
        if (!flow.closed) flow.#engine.identify(identity);
      },
      endDetached(flow) {
        if (!flow.closed) flow.#engine.endDetached();
      },
    };
  }

  /** Buffers that can be taken at once. */
  get ready(): number {
    return this.#engine.ready;
  }

  /** Buffers of the history that are empty. */
  get free(): number {
    return this.#engine.free;
  }

  /** Buffers lost since the flow was opened: lapped by the writer, overwritten or dropped. */
  get lost(): number {
    return this.#engine.lost + this.#overwritten;
  }

  /** Buffers of the history: ready, free or borrowed. For an inline flow the slots of the ring. */
  get capacity(): number {
    return this.#engine.capacity;
  }

  /** State of the source of the flow. */
  get sourceState(): SourceState {
    return this.#engine.source.state;
  }

  /**
   * Generation of the present or the last provider, counted from 1; 0 before the first, and for a
   * flow that its duplicator fills.
   */
  get sourceGeneration(): number {
    return this.#engine.source.generation;
  }

  /**
   * Epoch of the flow file that is read, an integer of 53 bits: a sequence names the same buffer
   * only within one epoch.
   */
  get epoch(): number {
    return this.#engine.epoch;
  }

  /** `lossy` also after it was demoted. */
  get delivery(): Delivery {
    return this.#delivery;
  }

  /** Whether the flow is paused for this consumer. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Buffers and bytes taken since the flow was opened, by takes of every kind. */
  get taken(): { readonly buffers: number; readonly bytes: number } {
    return { ...this.#engine.taken };
  }

  /** No take will return a buffer any more: closed, or ended and everything taken. */
  get ended(): boolean {
    return this.closed || (this.#engine.ended && this.#engine.ready === 0);
  }

  /** Whether the flow was closed or has ended. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * The next buffer, waiting for it. Undefined after the timeout, or at the end of the flow, which
   * `ended` distinguishes. Several takes may wait; they are served in order. Rejects with CLOSED
   * when aborted, with the signal's reason as cause, and loses no buffer then. The buffer is
   * borrowed: see FlowBuffer.
   */
  take(options?: TakeOptions): Promise<FlowBuffer | undefined> {
    if (options !== undefined) {
      try {
        checkWait('take', options, TAKE_OPTIONS);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    this.#beginTake();
    return this.#takes.take(options ?? NO_OPTIONS, this.#borrow);
  }

  /** The next buffer if one is ready and no earlier take waits. Borrowed: see FlowBuffer. */
  takeNow(): FlowBuffer | undefined {
    const wasFull = this.#beginTake();
    return this.#takeReady() ?? this.#takeRefilled(wasFull);
  }

  /**
   * The next buffer, blocking this thread for up to `timeoutMs` milliseconds; 0 does not block.
   * Undefined as with `take`. Use a finite time: an inline flow does not notice the end of its link
   * while the thread is blocked. Borrowed: see FlowBuffer.
   */
  takeSync(timeoutMs: number): FlowBuffer | undefined {
    checkTime('timeoutMs', timeoutMs);
    const wasFull = this.#beginTake();
    const until = performance.now() + timeoutMs;
    for (;;) {
      const buffer = this.#takeReady();
      if (buffer !== undefined || this.ended) return buffer;
      const leftMs = until - performance.now();
      if (leftMs <= 0) return this.#takeRefilled(wasFull);
      this.#engine.block(leftMs);
      // Blocking has replaced the engine's request for `onReady`, which waiting takes need.
      this.#takes.serve();
    }
  }

  /**
   * All ready buffers, oldest first, up to `limit`. Borrowed together until the next take. When the
   * take before has borrowed the whole history, published buffers had no room in it: then this one
   * waits for the first of them, some 50 us, so that an empty result means that none was published.
   */
  takeAll(limit = Number.POSITIVE_INFINITY): FlowBuffer[] {
    checkLimit(limit);
    const wasFull = this.#beginTake();
    const taken: FlowBuffer[] = [];
    const count = Math.min(limit, this.#engine.capacity);
    while (taken.length < count) {
      const buffer = this.#takeReady() ?? (taken.length === 0 ? this.#takeRefilled(wasFull) : undefined);
      if (buffer === undefined) break;
      taken.push(buffer);
    }
    return taken;
  }

  /**
   * The newest ready buffers, up to `count`, oldest first, without taking them. Valid until the
   * next take or `newest`; with an inline flow check `stillValid()` after reading.
   */
  newest(count = 1): FlowBuffer[] {
    checkBuffers('count', count, 1, Number.MAX_SAFE_INTEGER);
    this.#releasePeeked();
    if (!this.closed) this.#peeked = this.#engine.newest(count);
    return [...this.#peeked];
  }

  /**
   * Calls the handler with every ready buffer in place, up to `limit`, and returns their number.
   * The buffer object is reused: it is valid during the call. Nothing is allocated per buffer while
   * the sizes stay the same. Rethrows what the handler throws; that buffer counts as handled.
   */
  poll(handler: PollHandler, limit = Number.POSITIVE_INFINITY): number {
    checkHandler(handler);
    checkLimit(limit);
    const wasFull = this.#beginTake();
    if (this.closed) return 0;
    this.#takes.serve();
    const handled = this.#engine.poll(handler, limit);
    if (!wasFull || handled > 0 || limit === 0 || this.closed || this.#takes.hasWaiting) return handled;
    this.#engine.awaitRefill();
    return this.#engine.poll(handler, limit);
  }

  /**
   * Takes until the flow is at its end. Each step releases the buffer of the step before; leaving
   * the loop releases the last one. Several loops may run: they are served in turn, each buffer
   * goes to one of them, and none releases a buffer of another.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<FlowBuffer, void, undefined> {
    const loop: Loop = { buffer: undefined };
    const take = (buffer: FlowBuffer): void => {
      loop.buffer = buffer;
      this.#deliver(buffer);
    };
    this.#loops.add(loop);
    try {
      for (;;) {
        loop.buffer?.release();
        this.#beginTake();
        const buffer = await this.#takes.take(NO_OPTIONS, take);
        if (buffer === undefined) return;
        yield buffer;
      }
    } finally {
      loop.buffer?.release();
      this.#loops.delete(loop);
    }
  }

  /**
   * As `for await` over the flow, with copies: they belong to the program, and may be kept and
   * changed. A buffer that the provider of an inline lossy flow overwrites while it is copied is
   * left out and counted as lost.
   */
  async *copies(): AsyncGenerator<OwnedBuffer, void, undefined> {
    for await (const buffer of this) {
      const copy = new OwnedBuffer(buffer);
      if (buffer.stillValid()) yield copy;
      else this.#countOverwritten();
    }
  }

  /**
   * Grows the history to at least `buffers`. Rejects with BAD_OPTION beyond `maxHistory` (with an
   * inline flow: beyond the ring), TOO_LARGE beyond 2^31 - 1 bytes, NO_SPACE when the system has no
   * memory, CLOSED.
   */
  grow(buffers: number): Promise<void> {
    return this.#engine.grow(buffers);
  }

  /**
   * Shrinks the history to `buffers`, not at once: surplus buffers retire when they are released,
   * memory is freed when all buffers of a segment have retired. Throws BAD_OPTION.
   */
  shrink(buffers: number): void {
    if (!this.closed) this.#engine.shrink(buffers);
  }

  /**
   * Stops reading from the flow until `resume`, after the pass that the flow thread is in. Ready
   * buffers of the history can still be taken; an inline flow has none. A paused lossless consumer
   * holds the provider back, until the stall timeout if there is one; a paused lossy consumer is
   * lapped, and `lost` counts the buffers it missed.
   */
  pause(): void {
    if (this.#paused || this.closed) return;
    this.#paused = true;
    this.#engine.pause();
  }

  /** Ends a pause. */
  resume(): void {
    if (!this.#paused || this.closed) return;
    this.#paused = false;
    this.#engine.resume();
  }

  /**
   * Ends at once: waiting takes get undefined, borrowed buffers are released. Idempotent; resolves
   * when the flow thread has left the flow and the link is closed.
   */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#beginTake();
      for (const loop of this.#loops) loop.buffer?.release();
      this.#closing = this.#engine.close();
      this.#takes.serve();
      this.#emitEnd({ by: 'us' });
    }
    return this.#closing;
  }

  #takeReady(): FlowBuffer | undefined {
    if (this.closed) return undefined;
    this.#takes.serve();
    const buffer = this.#takes.hasWaiting ? undefined : this.#engine.take();
    if (buffer !== undefined) this.#borrow(buffer);
    return buffer;
  }

  /** After a take without success: a buffer that waited only for the release of borrowed ones. */
  #takeRefilled(wasFull: boolean): FlowBuffer | undefined {
    if (!wasFull || this.closed || this.#takes.hasWaiting) return undefined;
    this.#engine.awaitRefill();
    return this.#takeReady();
  }

  #countOverwritten(): void {
    this.#overwritten += 1;
    this.#emitLost();
  }

  /** Called for every buffer taken, just before its taker gets it. */
  #deliver(buffer: FlowBuffer): void {
    if (buffer.generation === this.#lastGeneration) return;
    const isFirst = this.#lastGeneration === undefined;
    this.#lastGeneration = buffer.generation;
    if (!isFirst) this.emit('provider', buffer.generation);
  }

  /** Releases the buffers of earlier takes. True when they were the whole history. */
  #beginTake(): boolean {
    this.#releasePeeked();
    if (this.#borrowed.length === 0) return false;
    const borrowed = this.#borrowed;
    const wasFull = borrowed.length >= this.#engine.capacity;
    this.#borrowed = [];
    for (const buffer of borrowed) buffer.release();
    return wasFull;
  }

  #releasePeeked(): void {
    for (const buffer of this.#peeked) buffer.release();
    if (this.#peeked.length > 0) this.#peeked = [];
  }

  #emitLost(): void {
    const more = this.lost - this.#reportedLost;
    if (more <= 0) return;
    this.#reportedLost += more;
    this.emit('lost', more);
  }

  #emitEnd(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#takes.serve();
    this.emit('end', end);
  }
}

/**
 * Opens the consumer side of a flow, whose files and link `flow.open` of the app server named.
 * Throws BAD_OPTION with the value and what is allowed, TOO_LARGE for a history beyond 2^31 - 1
 * bytes, and as `attachConsumer`.
 *
 * - `control`: where flow-control marks are sent; needed only for `options.flowControl`.
 * - `whenDetached`: `end`: the end of the link ends the flow; `hold`: takes continue to wait until
 *   `reattachInputFlow` or `endDetachedInputFlow`.
 */
export function openInputFlow(
  target: AttachTarget,
  options: InputFlowOptions = {},
  whenDetached: 'end' | 'hold' = 'end',
  control?: ControlPath,
): Promise<InputFlow> {
  return internals.open(target, options, whenDetached, control);
}

/**
 * Continues from another flow file and link at the next sequence; ready buffers stay ready. Rejects
 * as `attachConsumer`, with TOO_LARGE when the new buffers do not fit the history, CLOSED after
 * `end`; nothing has changed then.
 */
export function reattachInputFlow(flow: InputFlow, target: AttachTarget): Promise<void> {
  return internals.reattach(flow, target);
}

/** The flow has another session or handle at its app server; flow-control marks are sent as it. */
export function identifyInputFlow(flow: InputFlow, identity: MarkIdentity): void {
  internals.identify(flow, identity);
}

/** Ends a flow that was opened with `hold`, is detached and will not be reattached. */
export function endDetachedInputFlow(flow: InputFlow): void {
  internals.endDetached(flow);
}

function flowControlSettings(
  { flowControl }: InputRules,
  { handle }: AttachTarget,
  control: ControlPath | undefined,
): FlowControlSettings | undefined {
  if (flowControl === undefined) return undefined;
  if (control === undefined)
    throw badOption('flowControl', 'given', 'left out for a flow without an app server');
  return { marks: flowControl, socket: control.socket, identity: { session: control.session, handle } };
}

function checkLimit(limit: number): void {
  if (limit === Number.POSITIVE_INFINITY) return;
  checkBuffers('limit', limit, 0, Number.MAX_SAFE_INTEGER);
}

function checkHandler(handler: PollHandler): void {
  if (typeof handler !== 'function')
    throw badOption('the handler of poll', handler, 'a function (buffer) => ...');
  if (handler.length > 1) {
    throw badOption(
      'the handler of poll',
      `a function of ${handler.length} parameters`,
      'a function (buffer) => ..., which replaces (view, meta): view is buffer.data, meta.sequence is buffer.sequence',
    );
  }
}
