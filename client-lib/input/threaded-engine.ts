/**
 * The engine with a flow thread: the main thread's side of the history and of the worker that fills
 * it.
 */
import { MessageChannel, receiveMessageOnPort, type MessagePort, type Worker } from 'node:worker_threads';
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { LinkEnd } from '../../protocol/flow/signal-link/link.js';
import type { MarkIdentity } from './mark-sender.js';
import type { AttachTarget } from './consumer-link.js';
import {
  errorFromWire,
  type EndOnWire,
  type FlowControlSettings,
  type FlowThreadSettings,
  type FromThread,
  type ToFlow,
  type ToThread,
} from './flow-thread/messages.js';
import { returnFlowThread, startFlowThread } from './flow-thread/start.js';
import { HistoryConsumer, type HistoryRecord } from './history/consumer.js';
import { CONTROL, ControlBlock, MAIN_WAITS } from './history/control-block.js';
import { checkBuffers } from './history/rules.js';
import type { Segment } from './history/segments.js';
import { FlowBuffer, generationOf, typeFlags, type BufferOwner } from './flow-buffer.js';
import type { BufferMeta, EngineListener, InputEngine, PollHandler } from './input-engine.js';
import type { InputRules } from './input-options.js';

/** A flow thread that has not ended by then is ended. */
const CLOSE_TIMEOUT_MS = 2_000;

interface Call {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class ThreadedEngine implements InputEngine {
  readonly #listener: EngineListener;
  readonly #maxHistory: number;
  readonly #control: ControlBlock;
  readonly #history: HistoryConsumer;
  readonly #worker: Worker;
  /** The thread has closed the flow, or has ended. */
  readonly #left: Promise<void>;
  readonly #segments: MessagePort;
  readonly #calls = new Map<number, Call>();
  readonly #lender: BufferOwner = {
    release: (index) => this.#release(index),
    stillValid: () => true,
  };
  readonly #lookedAt: BufferOwner = {
    release: (index) => this.#history.unhold(index),
    stillValid: () => true,
  };
  readonly #meta: BufferMeta = { sequence: 0, epoch: 0, timestampNs: 0, size: 0, flags: 0, generation: 0 };
  readonly #record: HistoryRecord = { sequence: 0, epoch: 0, timestampNs: 0, size: 0, flags: 0 };
  readonly #watched: boolean;
  #taken = 0;
  #takenBytes = 0;
  #nextCall = 1;
  #sourceState: SourceState = 'starting';
  #sourceGeneration = 0;
  #epoch = 0;
  #closing: Promise<void> | undefined;

  private constructor(
    opened: AttachTarget,
    options: InputRules,
    whenDetached: 'end' | 'hold',
    listener: EngineListener,
    flowControl: FlowControlSettings | undefined,
  ) {
    this.#watched = flowControl !== undefined;
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
    this.#worker = startFlowThread(settings, [port2]);
    this.#segments = segments;
    this.#worker.on('error', (error) => this.#failed(error));
    this.#left = new Promise((resolve) => {
      this.#worker.on('message', (message: FromThread) => {
        if (message.kind === 'closed') {
          returnFlowThread(this.#worker);
          this.#leave();
          resolve();
        } else this.#heard(message);
      });
      this.#worker.once('exit', () => {
        this.#leave();
        resolve();
      });
    });
  }

  /** Throws what attaching throws; no thread is left behind then. */
  static async open(
    opened: AttachTarget,
    options: InputRules,
    whenDetached: 'end' | 'hold',
    listener: EngineListener,
    flowControl?: FlowControlSettings,
  ): Promise<ThreadedEngine> {
    const engine = new ThreadedEngine(opened, options, whenDetached, listener, flowControl);
    try {
      await engine.#answerOf(0);
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

  get sourceState(): SourceState {
    return this.#sourceState;
  }

  get sourceGeneration(): number {
    return this.#sourceGeneration;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get taken(): number {
    return this.#taken;
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  get ended(): boolean {
    return this.#control.load(CONTROL.ended) === 1;
  }

  take(): FlowBuffer | undefined {
    const index = this.#history.take();
    if (index < 0) return undefined;
    this.#wakeThread();
    const buffer = this.#lend(this.#lender, index);
    this.#count(buffer.size);
    return buffer;
  }

  newest(count: number): FlowBuffer[] {
    const found: FlowBuffer[] = [];
    for (let back = 0; found.length < count && back < this.#control.limit; back += 1) {
      const index = this.#history.hold(back);
      if (index >= 0) found.push(this.#lend(this.#lookedAt, index));
      // Only the newest may be missing without being the end: it is being overwritten.
      else if (back > 0) break;
    }
    return found.reverse();
  }

  poll(handler: PollHandler, limit: number): number {
    const history = this.#history;
    const meta = this.#meta;
    let handled = 0;
    try {
      while (handled < limit) {
        const index = history.take();
        if (index < 0) break;
        handled += 1;
        const view = history.read(index, meta);
        meta.generation = generationOf(meta.flags);
        meta.flags = typeFlags(meta.flags);
        this.#count(view.length);
        try {
          handler(view, meta);
        } finally {
          if (history.release(index)) this.#tell({ kind: 'giveBack' });
          this.#wakeThread(false);
        }
      }
    } finally {
      this.#wakeThread();
    }
    return handled;
  }

  arm(): void {
    this.#control.store(CONTROL.mainWaits, MAIN_WAITS.message);
  }

  block(timeoutMs: number): void {
    this.#control.store(CONTROL.mainWaits, MAIN_WAITS.futex);
    if (this.ready > 0 || this.ended) this.#control.store(CONTROL.mainWaits, MAIN_WAITS.not);
    else Atomics.wait(this.#control.int32, CONTROL.mainWaits, MAIN_WAITS.futex, timeoutMs);
  }

  async grow(buffers: number): Promise<void> {
    checkBuffers('history', buffers, 1, this.#maxHistory);
    await this.#call((call) => ({ kind: 'grow', call, buffers }));
  }

  shrink(buffers: number): void {
    checkBuffers('history', buffers, 1, this.#maxHistory);
    this.#tell({ kind: 'shrink', buffers });
  }

  async reattach({ handle, file, link }: AttachTarget): Promise<void> {
    await this.#call((call) => ({ kind: 'reattach', call, opened: { handle, file, link } }));
  }

  pause(): void {
    this.#control.store(CONTROL.paused, 1); // at once, also for a thread that is about to read
    this.#tell({ kind: 'hold', held: true });
  }

  resume(): void {
    this.#control.store(CONTROL.paused, 0);
    this.#tell({ kind: 'hold', held: false });
  }

  identify(identity: MarkIdentity): void {
    if (this.#watched) this.#tell({ kind: 'identify', identity });
  }

  endDetached(): void {
    this.#tell({ kind: 'endDetached' });
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#control.store(CONTROL.ended, 1);
      this.#worker.postMessage({ kind: 'close' } satisfies ToThread);
      const timer = setTimeout(() => void this.#worker.terminate(), CLOSE_TIMEOUT_MS);
      await this.#left;
      clearTimeout(timer);
    })();
    return this.#closing;
  }

  #lend(lender: BufferOwner, index: number): FlowBuffer {
    const record = this.#record;
    const view = this.#history.read(index, record);
    const { sequence, epoch, timestampNs, flags } = record;
    return new FlowBuffer(lender, index, view, sequence, epoch, timestampNs, flags);
  }

  #release(index: number): void {
    if (this.#history.release(index)) this.#tell({ kind: 'giveBack' });
    this.#wakeThread();
  }

  #count(bytes: number): void {
    this.#taken += 1;
    this.#takenBytes += bytes;
    if (this.#watched && this.#history.shouldReportFill()) this.#tell({ kind: 'look' });
  }

  #wakeThread(sure = true): void {
    if (this.#history.shouldWakeThread(sure)) this.#tell({ kind: 'room' });
  }

  /** Nothing more from the moment of closing on: the thread may soon serve another flow. */
  #tell(message: ToFlow): void {
    if (this.#closing === undefined) this.#worker.postMessage(message);
  }

  /** The thread is no longer this flow's. */
  #leave(): void {
    this.#segments.close();
    this.#failed(new MirrorflowError('CLOSED', 'the flow thread has ended'));
  }

  #call(message: (call: number) => ToFlow): Promise<void> {
    if (this.#closing !== undefined)
      return Promise.reject(new MirrorflowError('CLOSED', 'the flow is closed'));
    const call = this.#nextCall++;
    this.#tell(message(call));
    return this.#answerOf(call);
  }

  #answerOf(call: number): Promise<void> {
    return new Promise((resolve, reject) => this.#calls.set(call, { resolve, reject }));
  }

  #heard(message: Exclude<FromThread, { readonly kind: 'closed' }>): void {
    switch (message.kind) {
      case 'attached':
        this.#epoch = message.epoch;
        this.#calls.get(message.call)?.resolve();
        this.#calls.delete(message.call);
        break;
      case 'done':
        this.#calls.get(message.call)?.resolve();
        this.#calls.delete(message.call);
        break;
      case 'failed':
        this.#calls.get(message.call)?.reject(errorFromWire(message.error));
        this.#calls.delete(message.call);
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
        this.#sourceState = message.state;
        this.#sourceGeneration = message.generation;
        this.#listener.onState(message.state, message.generation);
        break;
      case 'restarted':
        this.#epoch = message.epoch;
        this.#listener.onRestarted(message.epoch);
        break;
      case 'detached':
        this.#listener.onDetached(endFromWire(message.end));
        break;
      case 'ended':
        this.#listener.onEnded(endFromWire(message.end));
        break;
      case 'withdrawn':
        this.#history.removeSegment(message.segment);
        break;
    }
  }

  /** The thread died, or ended as it was told: whoever waits for it learns it. */
  #failed(error: unknown): void {
    const failure =
      error instanceof MirrorflowError
        ? error
        : new MirrorflowError('SYSTEM_ERROR', `the flow thread failed: ${describeError(error)}`, {}, error);
    for (const call of this.#calls.values()) call.reject(failure);
    this.#calls.clear();
    this.#control.store(CONTROL.ended, 1);
    if (this.#closing === undefined) this.#listener.onEnded({ by: 'failure', error: failure });
  }
}

function endFromWire(end: EndOnWire): LinkEnd {
  return end.by === 'failure' ? { by: 'failure', error: errorFromWire(end.error) } : { by: end.by };
}
