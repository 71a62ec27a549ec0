/**
 * The engine without a thread: the link in this thread, buffers lent in place from the flow file.
 * What is lent is not acknowledged before it is given back, so a lossless writer never takes it
 * away.
 */
import { systemClock, type Clock } from '../protocol/base/clock.js';
import { MirrorflowError } from '../protocol/base/errors.js';
import type { FlowFile } from '../protocol/flow/flow-file/flow-file.js';
import { sourceStateOf, type SourceState } from '../protocol/flow/flow-file/layout.js';
import { RingReader, type ReadOutcome } from '../protocol/flow/flow-file/ring-reader.js';
import type { LinkEnd } from '../protocol/flow/signal-link/link.js';
import { MessageKind, type Delivery } from '../protocol/flow/signal-link/messages.js';
import { attachConsumer, type AttachTarget, type ConsumerLink } from './flow-reader-link.js';
import { ReadingPosition } from './flow-reader-position.js';
import { nap, spin } from './flow-reader-wait.js';
import { checkBuffers } from './history/rules.js';
import { FlowBuffer, generationOf, typeFlags, type Lender } from './input-flow-buffer.js';
import type { BufferMeta, EngineListener, InputEngine, PollHandler } from './input-flow-engine.js';
import type { CheckedOptions } from './input-flow-options.js';

/** A blocked take spins at least so long: most buffers of a fast flow come within it. */
const SPIN_MIN_US = 50;
/**
 * While something is lent that was not acknowledged, a duplicator answers every wait at once: it is
 * asked only so often.
 */
const LENT_POLL_MS = 1;

export class InlineEngine implements InputEngine {
  readonly #listener: EngineListener;
  #delivery: Delivery;
  readonly #spinUs: number;
  readonly #whenDetached: 'end' | 'hold';
  readonly #clock: Clock;
  readonly #position: ReadingPosition;
  readonly #newer = (): boolean => this.#something();
  readonly #meta: BufferMeta = { sequence: 0, epoch: 0, timestampNs: 0, size: 0, flags: 0, generation: 0 };
  #link: ConsumerLink;
  /** Of the buffers of this link: one that is lent stays in the file it came from. */
  #lender: Lender;
  #scout: RingReader | undefined;
  #views: (Uint8Array | undefined)[] = [];
  #wanted = false;
  #cancelTimer: (() => void) | undefined;
  #lost = 0;
  #lostTold = 0;
  #missed = 0;
  /** What the reader had missed when losses were told last; -1 when some are to be told. */
  #missedTold = -1;
  #sourceState: SourceState;
  #sourceGeneration: number;
  #end: LinkEnd | undefined;
  #endTold = false;
  #finishing: boolean;
  #closed = false;
  #paused = false;
  #taken = 0;
  #takenBytes = 0;

  private constructor(
    link: ConsumerLink,
    options: CheckedOptions,
    whenDetached: 'end' | 'hold',
    listener: EngineListener,
    clock: Clock,
  ) {
    this.#listener = listener;
    this.#delivery = options.delivery;
    this.#spinUs = options.spinUs;
    this.#whenDetached = whenDetached;
    this.#finishing = whenDetached === 'end';
    this.#clock = clock;
    this.#link = link;
    this.#position = new ReadingPosition(link);
    const { state, generation } = link.file.provider;
    this.#sourceState = state;
    this.#sourceGeneration = generation;
    this.#lender = this.#lenderOf(link.file);
    this.#follow(link, link.missedAtStart);
  }

  /** Throws what attaching throws, and BAD_OPTION for a history that is larger than the ring. */
  static async open(
    opened: AttachTarget,
    options: CheckedOptions,
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
    return Math.max(0, this.capacity - this.ready - this.#position.lent);
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
    return this.#closed || (this.#end !== undefined && this.#finishing);
  }

  take(): FlowBuffer | undefined {
    if (!this.#look()) return undefined;
    const { reader } = this.#link;
    const { sequence, epoch, timestampNs, flags } = reader;
    const buffer = new FlowBuffer(this.#lender, sequence, this.#view(), sequence, epoch, timestampNs, flags);
    this.#position.lend(buffer);
    this.#taken += 1;
    this.#takenBytes += buffer.size;
    reader.advance();
    this.#position.advanced();
    return buffer;
  }

  newest(count: number): FlowBuffer[] {
    const { file, reader } = this.#link;
    const found: FlowBuffer[] = [];
    if (this.#closed) return found;
    const { published } = file;
    const first = Math.max(reader.next, published - count, 0);
    if (first >= published) return found;
    this.#scout ??= new RingReader(file, 'next');
    this.#scout.follow(first);
    while (found.length < count && this.#scout.look() === 'ready') {
      const { sequence, epoch, timestampNs, flags } = this.#scout;
      found.push(
        new FlowBuffer(this.#lender, sequence, this.#scout.view(), sequence, epoch, timestampNs, flags),
      );
      this.#scout.advance();
    }
    return found;
  }

  poll(handler: PollHandler, limit: number): number {
    let handled = 0;
    try {
      while (handled < limit && this.#look()) {
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
    this.#wanted = true;
    if (this.#paused) return;
    if (this.#spinUs > 0 && spin(this.#newer, this.#spinUs, this.#clock)) return this.#tellLater(0);
    if (this.#end === undefined && !this.#position.arm()) this.#tellLater(LENT_POLL_MS);
  }

  block(timeoutMs: number): void {
    const until = this.#clock.nowMs() + timeoutMs;
    const spinUs = Math.min(Math.max(this.#spinUs, SPIN_MIN_US), timeoutMs * 1000);
    if (spin(this.#newer, spinUs, this.#clock)) return;
    this.#position.tell();
    nap(this.#newer, until, this.#clock);
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
    this.#tellLater(0);
  }

  /** No marks are watched without a flow thread. */
  identify(): void {}

  async grow(buffers: number): Promise<void> {
    checkBuffers('history of an inline flow', buffers, 1, this.capacity);
  }

  /** The ring is everybody's: more is always allowed than was asked for. */
  shrink(buffers: number): void {
    checkBuffers('history of an inline flow', buffers, 1, this.capacity);
  }

  async reattach(opened: AttachTarget): Promise<void> {
    const start = { epoch: this.#link.reader.epoch, sequence: this.#position.needed };
    const link = await attachConsumer(opened, { delivery: this.#delivery, start }, this.#clock);
    // What the ring held was read on meanwhile.
    const { epoch, next } = this.#link.reader;
    if (this.#closed) {
      link.close();
      throw new MirrorflowError('CLOSED', 'the flow is closed');
    }
    this.#link.close();
    this.#end = undefined;
    this.#endTold = false;
    this.#finishing = this.#whenDetached === 'end';
    // What is lent was asked for again so that it stays; it is not delivered twice.
    const begun = link.reader.next;
    const sameEpoch = link.reader.epoch === epoch;
    if (sameEpoch) link.reader.skipTo(next);
    else this.#position.restarted();
    this.#follow(link, sameEpoch ? Math.max(0, begun - next) : 0);
    if (!sameEpoch) this.#listener.onRestarted(link.reader.epoch);
    const { state, generation } = link.file.provider;
    this.#changeState(state, generation);
    this.#listener.onReady();
  }

  finish(): void {
    this.#finishing = true;
    this.#tellEnd();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTimer?.();
    this.#position.end();
    this.#link.close();
  }

  /**
   * Passes on the buffer that the reader stands on, and goes on to the next, also when the handler
   * throws.
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
      // The handler may have taken buffers itself, or the flow may have moved to another file.
      if (this.#link === link && reader.next === sequence) {
        if (reader.stillThere()) reader.advance();
        else reader.lose();
      }
    }
  }

  #lenderOf(file: FlowFile): Lender {
    return {
      giveBack: (_sequence, buffer) => {
        this.#position.giveBack(buffer);
      },
      stillValid: (sequence, buffer) => file.epoch === buffer.epoch && file.holds(sequence),
    };
  }

  #follow(link: ConsumerLink, lost: number): void {
    this.#link = link;
    this.#scout = undefined;
    this.#views = [];
    this.#position.follow(link);
    this.#missed = link.reader.missed;
    this.#lost += lost;
    this.#missedTold = -1;
    this.#lender = this.#lenderOf(link.file);
    link.onSignal((kind, value, detail) => {
      if (this.#link !== link || this.#closed) return;
      if (kind === MessageKind.STATUS) {
        const state = sourceStateOf(detail);
        if (state !== undefined) this.#changeState(state, value);
        return;
      }
      if (kind === MessageKind.DELIVERY) {
        this.#delivery = 'lossy';
        this.#listener.onDemoted();
        return;
      }
      this.#position.disarm();
      this.#tellReady();
    });
    if (this.#paused) link.pause();
    link.onEnd((end) => {
      if (this.#link !== link || this.#closed) return;
      this.#end = end;
      this.#listener.onDetached(end);
      this.#tellEnd();
    });
  }

  #tellEnd(): void {
    if (this.#end === undefined || !this.#finishing || this.#endTold) return;
    this.#endTold = true;
    this.#listener.onEnded(this.#end);
    this.#listener.onReady();
  }

  #tellReady(): void {
    if (!this.#wanted) return;
    this.#wanted = false;
    this.#listener.onReady();
  }

  #tellLater(delayMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(delayMs, () => this.#tellReady());
  }

  #changeState(state: SourceState, generation: number): void {
    if (state === this.#sourceState && generation === this.#sourceGeneration) return;
    this.#sourceState = state;
    this.#sourceGeneration = generation;
    this.#listener.onState(state, generation);
  }

  /** True when the reader stands on a buffer that is whole. */
  #look(): boolean {
    if (this.#closed || this.#paused) return false;
    const { reader } = this.#link;
    const outcome = reader.look();
    return outcome === 'ready' && reader.missed === this.#missedTold ? true : this.#lookFurther(outcome);
  }

  /** What is rare, apart from what happens with every buffer. */
  #lookFurther(first: ReadOutcome): boolean {
    const { reader } = this.#link;
    for (let outcome = first; ; outcome = reader.look()) {
      if (outcome !== 'restarted') {
        this.#countMissed();
        if (outcome === 'empty') this.#position.drained();
        return outcome === 'ready';
      }
      this.#countMissed();
      reader.follow('oldest');
      this.#missed = reader.missed;
      this.#position.restarted();
      const { epoch } = reader;
      queueMicrotask(() => this.#listener.onRestarted(epoch));
    }
  }

  /**
   * The payload that the reader looks at: of one size, the same object every time the slot is met.
   */
  #view(): Uint8Array {
    const { reader } = this.#link;
    const known = this.#views[reader.slot];
    if (known !== undefined && known.length === reader.size) return known;
    const made = reader.view();
    this.#views[reader.slot] = made;
    return made;
  }

  #countMissed(): void {
    const { missed } = this.#link.reader;
    this.#lost += missed - this.#missed;
    this.#missed = missed;
    this.#missedTold = missed;
    if (this.#lost === this.#lostTold) return;
    this.#lostTold = this.#lost;
    queueMicrotask(() => this.#listener.onLost());
  }

  #something(): boolean {
    const { file, reader } = this.#link;
    if (this.#paused) return false;
    return file.published > reader.next || file.epoch !== reader.epoch;
  }
}
