/**
 * An input flow as its user sees it: takes of every kind over one of two engines, served in order,
 * and what became of the buffers taken.
 */
import { EventEmitter } from 'eventemitter3';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { LinkEnd } from '../../protocol/flow/signal-link/link.js';
import type { Delivery } from '../../protocol/flow/signal-link/messages.js';
import { InlineEngine } from './inline-engine.js';
import type { AttachTarget } from './consumer-link.js';
import type { MarkIdentity } from './mark-sender.js';
import type { FlowControlSettings } from './flow-thread/messages.js';
import { badOption, checkBuffers } from './history/rules.js';
import type { FlowBuffer } from './flow-buffer.js';
import type { EngineListener, InputEngine, PollHandler } from './input-engine.js';
import { checkInputOptions, type CheckedOptions, type InputFlowOptions } from './input-options.js';
import { ThreadedEngine } from './threaded-engine.js';
import { TakeQueue, type TakeOptions } from './take-queue.js';

/** The app server's socket, and the client's session there. */
export interface ControlPath {
  readonly socket: string;
  readonly session: string;
}

export interface InputFlowEvents {
  /**
   * What the flow's data are worth now: of a provider's flow `live` with it, `ended` when it has
   * closed the flow, `stale` when it went without that. What it published before may still have to
   * be taken. `generation`: which provider it is about.
   */
  state: [state: SourceState, generation: number];
  /** The next buffer taken is the first of another provider; told just before it is handed out. */
  provider: [generation: number];
  /**
   * The sequences started again. Buffers of the epoch before may still be ready; each names its
   * own.
   */
  restarted: [epoch: number];
  /** So many more buffers were lost: lapped, overwritten or dropped. */
  lost: [buffers: number];
  /**
   * This consumer held the provider back for longer than the stall timeout: it is lossy from now
   * on.
   */
  demoted: [];
  /** The link has ended. Unless the flow holds, `end` follows. */
  detached: [end: LinkEnd];
  /** Nothing more will be added, once. What is ready can still be taken. */
  end: [end: LinkEnd];
}

export class InputFlow extends EventEmitter<InputFlowEvents> implements AsyncIterable<FlowBuffer> {
  readonly #engine: InputEngine;
  readonly #takes: TakeQueue;
  /** Delivered and not released: the next take releases them. */
  #lent: FlowBuffer[] = [];
  #looked: FlowBuffer[] = [];
  #delivery: Delivery;
  #paused = false;
  /** The generation of the buffer handed out last. */
  #generation: number | undefined;
  #lostTold = 0;
  #end: LinkEnd | undefined;
  #closing: Promise<void> | undefined;

  private constructor(engine: InputEngine, delivery: Delivery) {
    super();
    this.#delivery = delivery;
    this.#engine = engine;
    this.#takes = new TakeQueue(
      engine,
      () => this.ended,
      (buffer) => this.#lend(buffer),
    );
  }

  /** For `openInputFlow`. */
  static async open(
    opened: AttachTarget,
    options: InputFlowOptions,
    whenDetached: 'end' | 'hold',
    control?: ControlPath,
  ): Promise<InputFlow> {
    const checked = checkInputOptions(options);
    const flowControl = flowControlSettings(checked, opened, control);
    // Empty while the engine opens: whatever is told then can still be asked for afterwards.
    const made: { flow?: InputFlow } = {};
    const listener: EngineListener = {
      onReady: () => {
        if (made.flow !== undefined) made.flow.#takes.serve();
      },
      onState: (state, generation) => made.flow?.emit('state', state, generation),
      onRestarted: (epoch) => made.flow?.emit('restarted', epoch),
      onLost: () => {
        if (made.flow !== undefined) made.flow.#tellLost();
      },
      onDemoted: () => {
        if (made.flow === undefined) return;
        made.flow.#delivery = 'lossy';
        made.flow.emit('demoted');
      },
      onDetached: (end) => made.flow?.emit('detached', end),
      onEnded: (end) => {
        if (made.flow !== undefined) made.flow.#tellEnd(end);
      },
    };
    const engine = checked.inline
      ? await InlineEngine.open(opened, checked, options.history, whenDetached, listener)
      : await ThreadedEngine.open(opened, checked, whenDetached, listener, flowControl);
    made.flow = new InputFlow(engine, checked.delivery);
    return made.flow;
  }

  /** Buffers that can be taken at once. */
  get ready(): number {
    return this.#engine.ready;
  }

  /** Buffers of the history that can still be filled. */
  get free(): number {
    return this.#engine.free;
  }

  /**
   * Buffers that this flow did not get since it was opened: lapped by the writer, overwritten or
   * dropped.
   */
  get lost(): number {
    return this.#engine.lost;
  }

  /** Buffers of the history: ready, free, or lent. For an inline flow those of the ring. */
  get capacity(): number {
    return this.#engine.capacity;
  }

  get sourceState(): SourceState {
    return this.#engine.sourceState;
  }

  /**
   * Generation of the provider that is there, or was there last; 0 before the first, and for a flow
   * that its duplicator fills.
   */
  get sourceGeneration(): number {
    return this.#engine.sourceGeneration;
  }

  /**
   * Of the flow file that is read: a sequence means the same buffer as long as this is the same. 53
   * bits.
   */
  get epoch(): number {
    return this.#engine.epoch;
  }

  /** `lossy` also after it was demoted. */
  get delivery(): Delivery {
    return this.#delivery;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** What was taken from the flow since it was opened, by whatever take. */
  get taken(): { readonly buffers: number; readonly bytes: number } {
    return { buffers: this.#engine.taken, bytes: this.#engine.takenBytes };
  }

  /** No take will ever give a buffer again: closed, or ended and everything taken. */
  get ended(): boolean {
    return this.closed || (this.#engine.ended && this.#engine.ready === 0);
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * The next buffer, waiting for it. Undefined when the time was over, or the flow is at its end,
   * which `ended` tells apart. Several takes may wait; they are served in order. Rejects with
   * CLOSED when aborted, with the signal's reason as cause; no buffer is lost by it. The buffer is
   * lent: see FlowBuffer.
   */
  take(options: TakeOptions = {}): Promise<FlowBuffer | undefined> {
    this.#beginTake();
    return this.#takes.take(options);
  }

  /** The next buffer if one is ready and no earlier take waits for it. Lent: see FlowBuffer. */
  takeNow(): FlowBuffer | undefined {
    this.#beginTake();
    return this.#takeReady();
  }

  /**
   * The next buffer, blocking this thread for up to `timeoutMs` milliseconds; 0 does not block.
   * Undefined as with `take`. Nothing else runs in this thread meanwhile, so give a finite time: an
   * inline flow cannot see its link end. Lent: see FlowBuffer.
   */
  takeSync(timeoutMs: number): FlowBuffer | undefined {
    checkTime('timeoutMs', timeoutMs);
    this.#beginTake();
    const until = performance.now() + timeoutMs;
    for (;;) {
      const buffer = this.#takeReady();
      if (buffer !== undefined || this.ended) return buffer;
      const leftMs = until - performance.now();
      if (leftMs <= 0) return undefined;
      this.#engine.block(leftMs);
      // Blocking used up the engine's one way of being told; takes that wait need it again.
      this.#takes.serve();
    }
  }

  /** All buffers that are ready, oldest first; up to `limit`. Lent together until the next take. */
  takeAll(limit = Number.POSITIVE_INFINITY): FlowBuffer[] {
    this.#beginTake();
    const taken: FlowBuffer[] = [];
    const most = Math.min(limit, this.#engine.capacity);
    while (taken.length < most) {
      const buffer = this.#takeReady();
      if (buffer === undefined) break;
      taken.push(buffer);
    }
    return taken;
  }

  /**
   * The newest ready buffers, up to `count`, oldest first, without taking them. Valid until the
   * next take or `newest`; of an inline flow ask `stillValid()`.
   */
  newest(count = 1): FlowBuffer[] {
    checkBuffers('count', count, 1, Number.MAX_SAFE_INTEGER);
    this.#endLook();
    if (!this.closed) this.#looked = this.#engine.newest(count);
    return [...this.#looked];
  }

  /**
   * Calls the handler with every ready buffer in place, up to `limit`, and returns how many it
   * were. View and meta are used again: they are valid during the call. Nothing is allocated per
   * buffer while the sizes stay the same. What the handler throws is passed on; the buffer counts
   * as handled.
   */
  poll(handler: PollHandler, limit = Number.POSITIVE_INFINITY): number {
    this.#beginTake();
    if (this.closed) return 0;
    this.#takes.serve();
    return this.#engine.poll(handler, limit);
  }

  /**
   * Takes until the flow is at its end. Each step releases the buffer of the step before, leaving
   * the loop the last one.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<FlowBuffer, void, undefined> {
    let buffer: FlowBuffer | undefined;
    try {
      for (;;) {
        buffer = await this.take();
        if (buffer === undefined) return;
        yield buffer;
      }
    } finally {
      buffer?.release();
    }
  }

  /**
   * At least `buffers` in the history from now on. Rejects with BAD_OPTION beyond `maxHistory` (of
   * an inline flow: the ring), TOO_LARGE beyond 2^31 - 1 bytes, NO_SPACE when the system gives no
   * memory, CLOSED.
   */
  grow(buffers: number): Promise<void> {
    return this.#engine.grow(buffers);
  }

  /**
   * `buffers` are enough: others retire as they come back, their memory follows when whole segments
   * have. Throws BAD_OPTION.
   */
  shrink(buffers: number): void {
    if (!this.closed) this.#engine.shrink(buffers);
  }

  /**
   * Goes on from another flow file and link, where the last one stopped; what is ready stays ready.
   * Rejects with what attaching throws, TOO_LARGE when the new buffers do not fit the history,
   * CLOSED after `end`; nothing has changed then.
   */
  reattach(opened: AttachTarget): Promise<void> {
    if (this.#end !== undefined)
      return Promise.reject(new MirrorflowError('CLOSED', 'the flow has ended: open it anew'));
    return this.#engine.reattach(opened);
  }

  /**
   * Nothing is read from the flow until `resume`, but for what the flow thread is just reading;
   * what the history holds can still be taken, an inline flow gives nothing. A lossless consumer
   * that is paused holds the provider back, until the stall timeout if there is one; a lossy one is
   * lapped, and told by `lost` how many buffers it missed.
   */
  pause(): void {
    if (this.#paused || this.closed) return;
    this.#paused = true;
    this.#engine.pause();
  }

  resume(): void {
    if (!this.#paused || this.closed) return;
    this.#paused = false;
    this.#engine.resume();
  }

  /** For the client: it has another session or handle at its app server. */
  identify(identity: MarkIdentity): void {
    if (!this.closed) this.#engine.identify(identity);
  }

  /** For a flow that holds when detached, and was: it ends after all. */
  finish(): void {
    if (!this.closed) this.#engine.finish();
  }

  /**
   * Ends at once: waiting takes get undefined, lent buffers are released. Idempotent; resolves when
   * thread and link are gone.
   */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#beginTake();
      this.#closing = this.#engine.close();
      this.#takes.serve();
      this.#tellEnd({ by: 'us' });
    }
    return this.#closing;
  }

  #takeReady(): FlowBuffer | undefined {
    if (this.closed) return undefined;
    this.#takes.serve();
    const buffer = this.#takes.waiting ? undefined : this.#engine.take();
    if (buffer !== undefined) this.#lend(buffer);
    return buffer;
  }

  #lend(buffer: FlowBuffer): void {
    this.#lent.push(buffer);
    if (buffer.generation === this.#generation) return;
    const first = this.#generation === undefined;
    this.#generation = buffer.generation;
    if (!first) this.emit('provider', buffer.generation);
  }

  #beginTake(): void {
    this.#endLook();
    if (this.#lent.length === 0) return;
    const lent = this.#lent;
    this.#lent = [];
    for (const buffer of lent) buffer.release();
  }

  #endLook(): void {
    for (const buffer of this.#looked) buffer.release();
    if (this.#looked.length > 0) this.#looked = [];
  }

  #tellLost(): void {
    const more = this.lost - this.#lostTold;
    if (more <= 0) return;
    this.#lostTold += more;
    this.emit('lost', more);
  }

  #tellEnd(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#takes.serve();
    this.emit('end', end);
  }
}

/**
 * Opens the consumer side of a flow, as `flow.open` of the app server described it. Throws
 * BAD_OPTION with what was given and what is allowed, TOO_LARGE for a history beyond 2^31 - 1
 * bytes, and what the flow file and the link throw.
 * @param control where flow-control marks are told; needed for them only
 * @param whenDetached `end`: the end of the link ends the flow; `hold`: takes go on waiting until `reattach` or `finish`
 */
export function openInputFlow(
  opened: AttachTarget,
  options: InputFlowOptions = {},
  whenDetached: 'end' | 'hold' = 'end',
  control?: ControlPath,
): Promise<InputFlow> {
  return InputFlow.open(opened, options, whenDetached, control);
}

function flowControlSettings(
  { flowControl }: CheckedOptions,
  { handle }: AttachTarget,
  control: ControlPath | undefined,
): FlowControlSettings | undefined {
  if (flowControl === undefined) return undefined;
  if (control === undefined)
    throw badOption('flowControl', 'given', 'left out for a flow without an app server');
  return { marks: flowControl, socket: control.socket, identity: { session: control.session, handle } };
}

function checkTime(option: string, value: number): void {
  if (typeof value === 'number' && value >= 0) return;
  throw new MirrorflowError('BAD_OPTION', `${option} is ${value}; it must be milliseconds from 0`, {
    option,
  });
}
