/**
 * The engine of an input flow with a flow thread: the main thread's end of the history (a ring of
 * buffers in shared memory) and of the worker that fills it. Used by InputFlow unless `inline` is
 * set. Exchanges messages with a flow thread; does no other I/O.
 */
import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import type { LinkEnd } from '../../protocol/flow/signal-link/link.js';
import { SourceStatus } from './source-status.js';
import type { MarkIdentity } from './mark-sender.js';
import type { AttachTarget } from './consumer-link.js';
import {
  deserializeError,
  type SerializedEnd,
  type FlowControlSettings,
  type FlowThreadSettings,
  type ThreadEvent,
  type FlowCommand,
  type FlowPortCommand,
} from './flow-thread/thread-messages.js';
import { serveFlow, type ServedFlow } from './flow-thread/thread-pool.js';
import { HistoryConsumer, type HistoryRecord } from './history/history-consumer.js';
import { CONTROL, ControlBlock, MAIN_WAITS } from './history/control-block.js';
import { checkBuffers } from './history/history-rules.js';
import type { Segment } from './history/segment-table.js';
import { FlowBuffer, PolledBuffer, generationOf, typeFlags, type BufferOwner } from './flow-buffer.js';
import type { EngineListener, InputEngine, PollHandler, TakenCount } from './input-engine.js';
import type { InputRules } from './input-options.js';

/** A flow that its thread has not closed by then is left. */
const CLOSE_TIMEOUT_MS = 2_000;
/**
 * Longest wait for the first buffer after a full history was released: some 50 us, more only when
 * the system does not run the flow thread.
 */
const REFILL_TIMEOUT_MS = 50;

/** The commands to the thread that it has not answered yet. */
class PendingCalls {
  readonly #pending = new Map<
    number,
    { readonly resolve: () => void; readonly reject: (error: Error) => void }
  >();
  #next = 0;

  /** The number of a new call, and its answer. The first call is number 0, the attachment. */
  add(): { readonly call: number; readonly answer: Promise<void> } {
    const call = this.#next++;
    const answer = new Promise<void>((resolve, reject) => this.#pending.set(call, { resolve, reject }));
    return { call, answer };
  }

  /** Settles a call; without an error it has succeeded. */
  settle(call: number, error?: Error): void {
    const pending = this.#pending.get(call);
    this.#pending.delete(call);
    if (error === undefined) pending?.resolve();
    else pending?.reject(error);
  }

  rejectAll(error: Error): void {
    for (const call of this.#pending.keys()) this.settle(call, error);
  }
}

export class ThreadedEngine implements InputEngine {
  readonly #listener: EngineListener;
  readonly #maxHistory: number;
  readonly #control: ControlBlock;
  readonly #history: HistoryConsumer;
  readonly #thread: ServedFlow;
  /** Resolves when the thread has closed the flow, or has ended. */
  readonly #threadLeft: Promise<void>;
  readonly #segments: MessagePort;
  readonly #calls = new PendingCalls();
  /** Owner of taken buffers. */
  readonly #takenOwner: BufferOwner = {
    release: (index) => this.#release(index),
    stillValid: () => true,
  };
  /** Owner of buffers that `newest` returned. */
  readonly #heldOwner: BufferOwner = {
    release: (index) => this.#history.unhold(index),
    stillValid: () => true,
  };
  readonly #polled = new PolledBuffer();
  readonly #record: HistoryRecord = { sequence: 0, epoch: 0, timestampNs: 0, size: 0, flags: 0 };
  readonly #hasMarks: boolean;
  readonly taken: TakenCount = { buffers: 0, bytes: 0 };
  readonly source = new SourceStatus({ state: 'starting', generation: 0 });
  #epoch = 0;
  #closing: Promise<void> | undefined;

  private constructor(
    opened: AttachTarget,
    options: InputRules,
    whenDetached: 'end' | 'hold',
    listener: EngineListener,
    flowControl: FlowControlSettings | undefined,
  ) {
    this.#hasMarks = flowControl !== undefined;
    const { rules, delivery, start, spinUs } = options;
    this.#listener = listener;
    this.#maxHistory = rules.maxHistory;
    this.#control = ControlBlock.create(rules.maxHistory);
    const { port1: segments, port2 } = new MessageChannel();
    this.#history = new HistoryConsumer(
      this.#control,
      rules.whenFull === 'overwrite',
      () => receiveMessageOnPort(segments)?.message as Segment | undefined,
    );
    const { handle, file, link } = opened;
    const settings: FlowThreadSettings = {
      opened: { handle, file, link },
      control: this.#control.memory,
      segments: port2,
      rules,
      delivery,
      start,
      spinUs,
      whenDetached,
      ...(flowControl === undefined ? {} : { flowControl }),
    };
    const thread = spinUs > 0 ? 'own' : options.thread;
    this.#thread = serveFlow(settings, [port2], thread, (error) => this.#fail(error));
    this.#segments = segments;
    const { port, release } = this.#thread;
    port.on('message', (message: ThreadEvent) => this.#handle(message));
    this.#threadLeft = new Promise((resolve) => {
      port.once('close', () => {
        release();
        this.#leave();
        resolve();
      });
    });
  }

  /** Throws as `attachConsumer`; the thread is stopped then. */
  static async open(
    opened: AttachTarget,
    options: InputRules,
    whenDetached: 'end' | 'hold',
    listener: EngineListener,
    flowControl?: FlowControlSettings,
  ): Promise<ThreadedEngine> {
    const engine = new ThreadedEngine(opened, options, whenDetached, listener, flowControl);
    try {
      await engine.#calls.add().answer;
    } catch (error) {
      await engine.close();
      throw error;
    }
    return engine;
  }

  get ready(): number {
    return this.#history.ready;
  }

  get free(): number {
    return this.#history.free;
  }

  get lost(): number {
    return this.#history.lost;
  }

  get capacity(): number {
    return this.#history.capacity;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get ended(): boolean {
    return this.#control.load(CONTROL.ended) === 1;
  }

  take(): FlowBuffer | undefined {
    const index = this.#history.take();
    if (index < 0) return undefined;
    this.#wakeThread();
    const buffer = this.#borrow(this.#takenOwner, index);
    this.#count(buffer.size);
    return buffer;
  }

  newest(count: number): FlowBuffer[] {
    const buffers: FlowBuffer[] = [];
    for (let back = 0; buffers.length < count && back < this.#control.limit; back += 1) {
      const index = this.#history.hold(back);
      if (index >= 0) buffers.push(this.#borrow(this.#heldOwner, index));
      // The newest may be unavailable, while it is being overwritten; others follow it then.
      else if (back > 0) break;
    }
    return buffers.reverse();
  }

  poll(handler: PollHandler, limit: number): number {
    const history = this.#history;
    const polled = this.#polled;
    let handled = 0;
    try {
      while (handled < limit) {
        const index = history.take();
        if (index < 0) break;
        handled += 1;
        polled.bytes = history.read(index, polled);
        polled.generation = generationOf(polled.flags);
        polled.flags = typeFlags(polled.flags);
        this.#count(polled.size);
        try {
          handler(polled);
        } finally {
          if (history.release(index)) this.#send({ kind: 'retired' });
          this.#wakeThread(false);
        }
      }
    } finally {
      this.#wakeThread();
    }
    return handled;
  }

  awaitRefill(): void {
    const until = performance.now() + REFILL_TIMEOUT_MS;
    while (!this.#isIdle && this.ready === 0 && !this.ended) {
      const leftMs = until - performance.now();
      if (leftMs <= 0) return;
      this.block(leftMs, true);
    }
  }

  arm(): void {
    this.#control.store(CONTROL.mainWaits, MAIN_WAITS.message);
  }

  block(timeoutMs: number, untilIdle = false): void {
    this.#control.store(CONTROL.mainWaits, MAIN_WAITS.futex);
    const isOver = this.ready > 0 || this.ended || (untilIdle && this.#isIdle);
    if (isOver) this.#control.store(CONTROL.mainWaits, MAIN_WAITS.not);
    else Atomics.wait(this.#control.int32, CONTROL.mainWaits, MAIN_WAITS.futex, timeoutMs);
  }

  async grow(buffers: number): Promise<void> {
    checkBuffers('history', buffers, 1, this.#maxHistory);
    await this.#call((call) => ({ kind: 'grow', call, buffers }));
  }

  shrink(buffers: number): void {
    checkBuffers('history', buffers, 1, this.#maxHistory);
    this.#send({ kind: 'shrink', buffers });
  }

  async reattach({ handle, file, link }: AttachTarget): Promise<void> {
    await this.#call((call) => ({ kind: 'reattach', call, opened: { handle, file, link } }));
  }

  pause(): void {
    this.#control.store(CONTROL.paused, 1); // read by the thread before each pass
    this.#send({ kind: 'pause', paused: true });
  }

  resume(): void {
    this.#control.store(CONTROL.paused, 0);
    this.#send({ kind: 'pause', paused: false });
  }

  identify(identity: MarkIdentity): void {
    if (this.#hasMarks) this.#send({ kind: 'identify', identity });
  }

  endDetached(): void {
    this.#send({ kind: 'endDetached' });
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#control.store(CONTROL.ended, 1);
      this.#thread.port.postMessage({ kind: 'close' } satisfies FlowPortCommand);
      const timer = setTimeout(() => this.#thread.port.close(), CLOSE_TIMEOUT_MS);
      await this.#threadLeft;
      clearTimeout(timer);
    })();
    return this.#closing;
  }

  get #isIdle(): boolean {
    return this.#control.load(CONTROL.idle) === 1;
  }

  #borrow(owner: BufferOwner, index: number): FlowBuffer {
    const record = this.#record;
    const view = this.#history.read(index, record);
    const { sequence, epoch, timestampNs, flags } = record;
    return new FlowBuffer(owner, index, view, sequence, epoch, timestampNs, flags);
  }

  #release(index: number): void {
    if (this.#history.release(index)) this.#send({ kind: 'retired' });
    this.#wakeThread();
  }

  #count(bytes: number): void {
    this.taken.buffers += 1;
    this.taken.bytes += bytes;
    if (this.#hasMarks && this.#history.shouldReportFill()) this.#send({ kind: 'fillFell' });
  }

  #wakeThread(fenced = true): void {
    if (this.#history.shouldWakeThread(fenced)) this.#send({ kind: 'roomFreed' });
  }

  #send(message: FlowCommand): void {
    if (this.#closing === undefined) this.#thread.port.postMessage(message);
  }

  /** The thread does not serve this flow any more. */
  #leave(): void {
    this.#segments.close();
    this.#fail(new MirrorflowError('CLOSED', 'the flow thread has ended'));
  }

  #call(message: (call: number) => FlowCommand): Promise<void> {
    if (this.#closing !== undefined)
      return Promise.reject(new MirrorflowError('CLOSED', 'the input flow is closed'));
    const { call, answer } = this.#calls.add();
    this.#send(message(call));
    return answer;
  }

  #handle(message: ThreadEvent): void {
    switch (message.kind) {
      case 'attached':
        this.#epoch = message.epoch;
        this.#calls.settle(message.call);
        break;
      case 'done':
        this.#calls.settle(message.call);
        break;
      case 'failed':
        this.#calls.settle(message.call, deserializeError(message.error));
        break;
      case 'ready':
        this.#listener.onReady();
        break;
      case 'lost':
        this.#control.store(CONTROL.lostReported, 0);
        this.#listener.onLost();
        break;
      case 'demoted':
        this.#listener.onDemoted();
        break;
      case 'state':
        this.source.update(message.state, message.generation);
        this.#listener.onState(message.state, message.generation);
        break;
      case 'restarted':
        this.#epoch = message.epoch;
        this.#listener.onRestarted(message.epoch);
        break;
      case 'detached':
        this.#listener.onDetached(deserializeEnd(message.end));
        break;
      case 'ended':
        this.#listener.onEnded(deserializeEnd(message.end));
        break;
      case 'withdrawn':
        this.#history.removeSegment(message.segment);
        break;
    }
  }

  /** The thread failed, or has left the flow: rejects pending calls and ends the flow. */
  #fail(error: unknown): void {
    const failure =
      error instanceof MirrorflowError
        ? error
        : new MirrorflowError('SYSTEM_ERROR', `the flow thread failed: ${describeError(error)}`, {}, error);
    this.#calls.rejectAll(failure);
    this.#control.store(CONTROL.ended, 1);
    if (this.#closing === undefined) this.#listener.onEnded({ by: 'failure', error: failure });
  }
}

function deserializeEnd(end: SerializedEnd): LinkEnd {
  return end.by === 'failure' ? { by: 'failure', error: deserializeError(end.error) } : { by: end.by };
}
