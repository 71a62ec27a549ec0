/**
 * The engine of an input flow with a flow thread: the main thread's end of the history (a ring of
 * buffers in shared memory) and of the worker that fills it. Used by InputFlow unless `inline` is
 * set. Exchanges messages with a flow thread; does no other I/O.
 */
import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { MirrorflowError } from '../../protocol/base/errors.js';
import type { LinkEnd } from '../../protocol/flow/signal-link/link.js';
import { SourceStatus } from './source-status.js';
import type { MarkIdentity } from './mark-sender.js';
import type { AttachTarget } from './consumer-link.js';
import { FlowThreadClient, type FlowEvent } from './flow-thread/flow-thread-client.js';
import {
  deserializeError,
  type SerializedEnd,
  type FlowControlSettings,
  type FlowThreadSettings,
} from './flow-thread/thread-messages.js';
import { HistoryConsumer, type HistoryRecord } from './history/history-consumer.js';
import { CONTROL, ControlBlock, MAIN_WAITS } from './history/control-block.js';
import { MainWake } from './history/main-wake.js';
import { checkBuffers } from './history/history-rules.js';
import type { Segment } from './history/segment-table.js';
import { FlowBuffer, PolledBuffer, generationOf, typeFlags, type BufferOwner } from './flow-buffer.js';
import type { EngineListener, InputEngine, PollHandler, TakenCount } from './input-engine.js';
import type { InputRules } from './input-options.js';

/**
 * Longest wait for the first buffer after a full history was released: some 50 us, more only when
 * the system does not run the flow thread.
 */
const REFILL_TIMEOUT_MS = 50;

export class ThreadedEngine implements InputEngine {
  readonly #listener: EngineListener;
  readonly #maxHistory: number;
  readonly #control: ControlBlock;
  readonly #history: HistoryConsumer;
  readonly #wake: MainWake;
  readonly #thread: FlowThreadClient;
  readonly #segments: MessagePort;
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
    this.#wake = new MainWake(this.#control, () => listener.onReady());
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
    this.#segments = segments;
    this.#thread = new FlowThreadClient(settings, spinUs > 0 ? 'own' : options.thread, {
      onEvent: (event) => this.#handle(event),
      onLeft: (error) => this.#leave(error),
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
      await engine.#thread.attached;
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
          if (history.release(index)) this.#thread.send({ kind: 'retired' });
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
    this.#wake.request();
  }

  block(timeoutMs: number, untilIdle = false): void {
    this.#control.store(CONTROL.mainWaits, MAIN_WAITS.blocked);
    const isOver = this.ready > 0 || this.ended || (untilIdle && this.#isIdle);
    if (isOver) this.#control.store(CONTROL.mainWaits, MAIN_WAITS.not);
    else Atomics.wait(this.#control.int32, CONTROL.mainWaits, MAIN_WAITS.blocked, timeoutMs);
  }

  async grow(buffers: number): Promise<void> {
    checkBuffers('history', buffers, 1, this.#maxHistory);
    await this.#thread.call((call) => ({ kind: 'grow', call, buffers }));
  }

  shrink(buffers: number): void {
    checkBuffers('history', buffers, 1, this.#maxHistory);
    this.#thread.send({ kind: 'shrink', buffers });
  }

  async reattach({ handle, file, link }: AttachTarget): Promise<void> {
    await this.#thread.call((call) => ({ kind: 'reattach', call, opened: { handle, file, link } }));
  }

  pause(): void {
    this.#control.store(CONTROL.paused, 1); // read by the thread before each pass
    this.#thread.send({ kind: 'pause', paused: true });
  }

  resume(): void {
    this.#control.store(CONTROL.paused, 0);
    this.#thread.send({ kind: 'pause', paused: false });
  }

  identify(identity: MarkIdentity): void {
    if (this.#hasMarks) this.#thread.send({ kind: 'identify', identity });
  }

  endDetached(): void {
    this.#thread.send({ kind: 'endDetached' });
  }

  close(): Promise<void> {
    this.#control.store(CONTROL.ended, 1);
    this.#wake.close();
    return this.#thread.close();
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
    if (this.#history.release(index)) this.#thread.send({ kind: 'retired' });
    this.#wakeThread();
  }

  #count(bytes: number): void {
    this.taken.buffers += 1;
    this.taken.bytes += bytes;
    if (this.#hasMarks && this.#history.shouldReportFill()) this.#thread.send({ kind: 'fillFell' });
  }

  #wakeThread(fenced = true): void {
    if (this.#history.shouldWakeThread(fenced)) this.#thread.send({ kind: 'roomFreed' });
  }

  /** The thread does not serve this flow any more, or has failed: the flow is at its end. */
  #leave(error: MirrorflowError): void {
    this.#segments.close();
    this.#wake.close();
    this.#control.store(CONTROL.ended, 1);
    if (!this.#thread.closing) this.#listener.onEnded({ by: 'failure', error });
  }

  #handle(message: FlowEvent): void {
    switch (message.kind) {
      case 'attached':
        this.#epoch = message.epoch;
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
}

function deserializeEnd(end: SerializedEnd): LinkEnd {
  return end.by === 'failure' ? { by: 'failure', error: deserializeError(end.error) } : { by: end.by };
}
