/**
 * The engine of an input flow that reads in the caller's thread: buffers are views of the mapped
 * flow file, nothing is copied. Used by InputFlow for `inline: true`. A borrowed buffer is
 * acknowledged only after its release, so a lossless provider never overwrites it. Reads the mapped
 * file and holds the signal link.
 */
import { systemClock, type Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { sourceStateOf, type SourceState } from '../../protocol/flow/flow-file/layout.js';
import { RingReader, type ReadOutcome } from '../../protocol/flow/flow-file/ring-reader.js';
import type { LinkEnd } from '../../protocol/flow/signal-link/link.js';
import { MessageKind, type Delivery } from '../../protocol/flow/signal-link/messages.js';
import { attachConsumer, type AttachTarget, type ConsumerLink } from './consumer-link.js';
import { ReadingPosition } from './reading-position.js';
import { napUntil, spinUntil } from './ring-wait.js';
import { checkBuffers } from './history/history-rules.js';
import { FlowBuffer, generationOf, typeFlags, type BufferOwner } from './flow-buffer.js';
import type { BufferMeta, EngineListener, InputEngine, PollHandler } from './input-engine.js';
import type { InputRules } from './input-options.js';

/** A blocking take spins at least so long: most buffers of a fast flow arrive within it. */
const SPIN_MIN_US = 50;
/**
 * While borrowed buffers are unacknowledged, a duplicator answers every request for a signal at
 * once; so the ring is polled with this period instead.
 */
const BORROWED_POLL_MS = 1;

export class InlineEngine implements InputEngine {
  readonly #listener: EngineListener;
  #delivery: Delivery;
  readonly #spinUs: number;
  readonly #whenDetached: 'end' | 'hold';
  readonly #clock: Clock;
  readonly #position: ReadingPosition;
  readonly #hasNew = (): boolean => this.#isSomethingNew();
  readonly #meta: BufferMeta = { sequence: 0, epoch: 0, timestampNs: 0, size: 0, flags: 0, generation: 0 };
  #link: ConsumerLink;
  /** Owner of the buffers of this link; a borrowed buffer stays in the file that it came from. */
  #owner: BufferOwner;
  /** Reads ahead for `newest`. */
  #scout: RingReader | undefined;
  /** View of the payload per slot, reused while the sizes stay the same. */
  #views: (Uint8Array | undefined)[] = [];
  /** `arm` was called, `onReady` is due. */
  #isArmed = false;
  #cancelTimer: (() => void) | undefined;
  #lost = 0;
  #reportedLost = 0;
  /** The reader's `missed` that `#lost` contains. */
  #countedMissed = 0;
  /** The reader's `missed` at the last check for losses; -1 when a check is due. */
  #checkedMissed = -1;
  #sourceState: SourceState;
  #sourceGeneration: number;
  #end: LinkEnd | undefined;
  #endReported = false;
  /** The end of the link ends the flow. */
  #endsWithLink: boolean;
  #closed = false;
  #paused = false;
  #taken = 0;
  #takenBytes = 0;

  private constructor(
    link: ConsumerLink,
    options: InputRules,
    whenDetached: 'end' | 'hold',
    listener: EngineListener,
    clock: Clock,
  ) {
    this.#listener = listener;
    this.#delivery = options.delivery;
    this.#spinUs = options.spinUs;
    this.#whenDetached = whenDetached;
    this.#endsWithLink = whenDetached === 'end';
    this.#clock = clock;
    this.#link = link;
    this.#position = new ReadingPosition(link);
    const { state, generation } = link.file.provider;
    this.#sourceState = state;
    this.#sourceGeneration = generation;
    this.#owner = this.#ownerOf(link.file);
    this.#useLink(link, link.missedAtStart);
  }

  /** Throws as `attachConsumer`, and BAD_OPTION for a history that is larger than the ring. */
  static async open(
    opened: AttachTarget,
    options: InputRules,
    history: number | undefined,
    whenDetached: 'end' | 'hold',
    listener: EngineListener,
    clock: Clock = systemClock,
  ): Promise<InlineEngine> {
    const link = await attachConsumer(opened, options, clock);
    try {
      if (history !== undefined)
        checkBuffers('history of an inline flow', history, 1, link.file.geometry.slotCount);
      return new InlineEngine(link, options, whenDetached, listener, clock);
    } catch (error) {
      link.close();
      throw error;
    }
  }

  get ready(): number {
    return this.#paused ? 0 : Math.min(this.capacity, this.#link.reader.available);
  }

  get free(): number {
    return Math.max(0, this.capacity - this.ready - this.#position.borrowed);
  }

  get lost(): number {
    this.#countMissed();
    return this.#lost;
  }

  get capacity(): number {
    return this.#link.file.geometry.slotCount;
  }

  get sourceState(): SourceState {
    return this.#sourceState;
  }

  get sourceGeneration(): number {
    return this.#sourceGeneration;
  }

  get epoch(): number {
    return this.#link.reader.epoch;
  }

  get taken(): number {
    return this.#taken;
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  get ended(): boolean {
    return this.#closed || (this.#end !== undefined && this.#endsWithLink);
  }

  take(): FlowBuffer | undefined {
    if (!this.#seekReady()) return undefined;
    const { reader } = this.#link;
    const { sequence, epoch, timestampNs, flags } = reader;
    const buffer = new FlowBuffer(this.#owner, sequence, this.#view(), sequence, epoch, timestampNs, flags);
    this.#position.borrow(buffer);
    this.#taken += 1;
    this.#takenBytes += buffer.size;
    reader.advance();
    this.#position.advanced();
    return buffer;
  }

  newest(count: number): FlowBuffer[] {
    const { file, reader } = this.#link;
    const buffers: FlowBuffer[] = [];
    if (this.#closed) return buffers;
    const { published } = file;
    const first = Math.max(reader.next, published - count, 0);
    if (first >= published) return buffers;
    this.#scout ??= new RingReader(file, 'next');
    this.#scout.enterEpoch(first);
    while (buffers.length < count && this.#scout.peek() === 'ready') {
      const { sequence, epoch, timestampNs, flags } = this.#scout;
      buffers.push(
        new FlowBuffer(this.#owner, sequence, this.#scout.view(), sequence, epoch, timestampNs, flags),
      );
      this.#scout.advance();
    }
    return buffers;
  }

  poll(handler: PollHandler, limit: number): number {
    let handled = 0;
    try {
      while (handled < limit && this.#seekReady()) {
        handled += 1;
        this.#handle(handler);
        this.#position.advanced();
      }
    } finally {
      this.#taken += handled;
    }
    return handled;
  }

  arm(): void {
    this.#isArmed = true;
    if (this.#paused) return;
    if (this.#spinUs > 0 && spinUntil(this.#hasNew, this.#spinUs, this.#clock))
      return this.#reportReadyAfter(0);
    if (this.#end === undefined && !this.#position.arm()) this.#reportReadyAfter(BORROWED_POLL_MS);
  }

  block(timeoutMs: number): void {
    const until = this.#clock.nowMs() + timeoutMs;
    const spinUs = Math.min(Math.max(this.#spinUs, SPIN_MIN_US), timeoutMs * 1000);
    if (spinUntil(this.#hasNew, spinUs, this.#clock)) return;
    this.#position.acknowledge();
    napUntil(this.#hasNew, until, this.#clock);
  }

  pause(): void {
    if (this.#paused || this.#closed) return;
    this.#paused = true;
    this.#link.pause();
  }

  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    this.#position.disarm();
    this.#link.resume();
    this.#reportReadyAfter(0);
  }

  /** Flow-control marks need a flow thread. */
  identify(): void {}

  async grow(buffers: number): Promise<void> {
    checkBuffers('history of an inline flow', buffers, 1, this.capacity);
  }

  /** Checks only: the size of the ring is the provider's. */
  shrink(buffers: number): void {
    checkBuffers('history of an inline flow', buffers, 1, this.capacity);
  }

  async reattach(opened: AttachTarget): Promise<void> {
    const start = { epoch: this.#link.reader.epoch, sequence: this.#position.needed };
    const link = await attachConsumer(opened, { delivery: this.#delivery, start }, this.#clock);
    // Reading of the old ring has continued meanwhile.
    const { epoch, next } = this.#link.reader;
    if (this.#closed) {
      link.close();
      throw new MirrorflowError('CLOSED', 'the input flow was closed while it reattached');
    }
    this.#link.close();
    this.#end = undefined;
    this.#endReported = false;
    this.#endsWithLink = this.#whenDetached === 'end';
    // Borrowed buffers were requested again so that they stay valid; they are not delivered twice.
    const first = link.reader.next;
    const sameEpoch = link.reader.epoch === epoch;
    if (sameEpoch) link.reader.skipTo(next);
    else this.#position.restarted();
    this.#useLink(link, sameEpoch ? Math.max(0, first - next) : 0);
    if (!sameEpoch) this.#listener.onRestarted(link.reader.epoch);
    const { state, generation } = link.file.provider;
    this.#setSourceState(state, generation);
    this.#listener.onReady();
  }

  endDetached(): void {
    this.#endsWithLink = true;
    this.#reportEnd();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTimer?.();
    this.#position.end();
    this.#link.close();
  }

  /**
   * Calls the handler with the buffer at the reader's position and advances, also when it throws.
   */
  #handle(handler: PollHandler): void {
    const link = this.#link;
    const { reader } = link;
    const meta = this.#meta;
    const { sequence, flags, size } = reader;
    meta.sequence = sequence;
    meta.epoch = reader.epoch;
    meta.timestampNs = reader.timestampNs;
    meta.size = size;
    meta.flags = typeFlags(flags);
    meta.generation = generationOf(flags);
    this.#takenBytes += size;
    try {
      handler(this.#view(), meta);
    } finally {
      // The handler may have taken buffers, or the flow may have been reattached.
      if (this.#link === link && reader.next === sequence) {
        if (reader.isIntact()) reader.advance();
        else reader.skipMissed();
      }
    }
  }

  #ownerOf(file: FlowFile): BufferOwner {
    return {
      release: (_sequence, buffer) => {
        this.#position.release(buffer);
      },
      stillValid: (sequence, buffer) => file.epoch === buffer.epoch && file.holds(sequence),
    };
  }

  #useLink(link: ConsumerLink, lost: number): void {
    this.#link = link;
    this.#scout = undefined;
    this.#views = [];
    this.#position.useLink(link);
    this.#countedMissed = link.reader.missed;
    this.#lost += lost;
    this.#checkedMissed = -1;
    this.#owner = this.#ownerOf(link.file);
    link.onSignal((kind, value, detail) => {
      if (this.#link !== link || this.#closed) return;
      if (kind === MessageKind.STATUS) {
        const state = sourceStateOf(detail);
        if (state !== undefined) this.#setSourceState(state, value);
        return;
      }
      if (kind === MessageKind.DELIVERY) {
        this.#delivery = 'lossy';
        this.#listener.onDemoted();
        return;
      }
      this.#position.disarm();
      this.#reportReady();
    });
    if (this.#paused) link.pause();
    link.onEnd((end) => {
      if (this.#link !== link || this.#closed) return;
      this.#end = end;
      this.#listener.onDetached(end);
      this.#reportEnd();
    });
  }

  #reportEnd(): void {
    if (this.#end === undefined || !this.#endsWithLink || this.#endReported) return;
    this.#endReported = true;
    this.#listener.onEnded(this.#end);
    this.#listener.onReady();
  }

  #reportReady(): void {
    if (!this.#isArmed) return;
    this.#isArmed = false;
    this.#listener.onReady();
  }

  #reportReadyAfter(delayMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(delayMs, () => this.#reportReady());
  }

  #setSourceState(state: SourceState, generation: number): void {
    if (state === this.#sourceState && generation === this.#sourceGeneration) return;
    this.#sourceState = state;
    this.#sourceGeneration = generation;
    this.#listener.onState(state, generation);
  }

  /** True when the reader stands on a whole buffer. */
  #seekReady(): boolean {
    if (this.#closed || this.#paused) return false;
    const { reader } = this.#link;
    const outcome = reader.peek();
    return outcome === 'ready' && reader.missed === this.#checkedMissed ? true : this.#seekFurther(outcome);
  }

  /** The rare cases of `#seekReady`, kept out of its hot path. */
  #seekFurther(first: ReadOutcome): boolean {
    const { reader } = this.#link;
    for (let outcome = first; ; outcome = reader.peek()) {
      if (outcome !== 'restarted') {
        this.#countMissed();
        if (outcome === 'empty') this.#position.drained();
        return outcome === 'ready';
      }
      this.#countMissed();
      reader.enterEpoch('oldest');
      this.#countedMissed = reader.missed;
      this.#position.restarted();
      const { epoch } = reader;
      queueMicrotask(() => this.#listener.onRestarted(epoch));
    }
  }

  /** Payload at the reader's position: the same object per slot while the size stays the same. */
  #view(): Uint8Array {
    const { reader } = this.#link;
    const cached = this.#views[reader.slot];
    if (cached !== undefined && cached.length === reader.size) return cached;
    const view = reader.view();
    this.#views[reader.slot] = view;
    return view;
  }

  #countMissed(): void {
    const { missed } = this.#link.reader;
    this.#lost += missed - this.#countedMissed;
    this.#countedMissed = missed;
    this.#checkedMissed = missed;
    if (this.#lost === this.#reportedLost) return;
    this.#reportedLost = this.#lost;
    queueMicrotask(() => this.#listener.onLost());
  }

  #isSomethingNew(): boolean {
    const { file, reader } = this.#link;
    if (this.#paused) return false;
    return file.published > reader.next || file.epoch !== reader.epoch;
  }
}
