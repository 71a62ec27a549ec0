/**
 * The engine of an input flow that reads in the caller's thread: buffers are views of the mapped
 * flow file, nothing is copied. Used by InputFlow for `inline: true`. A borrowed buffer is
 * acknowledged only after its release, so a lossless provider never overwrites it. Reads the mapped
 * file and holds the signal link.
 */
import { systemClock, type Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { ReadOutcome } from '../../protocol/flow/flow-file/ring-reader.js';
import type { Delivery } from '../../protocol/flow/signal-link/messages.js';
import { leftMapping } from '../link/replaced-file.js';
import type { AttachmentListener } from './consumer-attachment.js';
import { attachConsumer, type AttachTarget, type ConsumerLink } from './consumer-link.js';
import { InlineAttachment } from './inline-attachment.js';
import { InlineWait } from './inline-wait.js';
import { ReadingPosition } from './reading-position.js';
import { SourceStatus } from './source-status.js';
import { checkBuffers } from './history/history-rules.js';
import { FlowBuffer, PolledBuffer, generationOf, typeFlags } from './flow-buffer.js';
import type { EngineListener, InputEngine, PollHandler, TakenCount } from './input-engine.js';
import type { InputRules } from './input-options.js';

/** Buffers that were missed, and how many of them the listener knows of. */
class Losses {
  counted = 0;
  reported = 0;
}

export class InlineEngine implements InputEngine {
  readonly #listener: EngineListener;
  readonly #options: InputRules;
  #delivery: Delivery;
  readonly #whenDetached: 'end' | 'hold';
  readonly #clock: Clock;
  readonly #position: ReadingPosition;
  readonly #wait: InlineWait;
  readonly #polled = new PolledBuffer();
  #attachment!: InlineAttachment;
  readonly source: SourceStatus;
  readonly taken: TakenCount = { buffers: 0, bytes: 0 };
  readonly #losses = new Losses();
  #endReported = false;
  /** The end of the link ends the flow. */
  #endsWithLink: boolean;
  #closed = false;
  #paused = false;

  readonly #attachmentListener: AttachmentListener = {
    signalled: () => {
      this.#position.disarm();
      this.#wait.ready();
    },
    state: (state, generation) => this.#setSourceState(state, generation),
    demoted: () => {
      this.#delivery = 'lossy';
      this.#listener.onDemoted();
    },
    ended: (end) => {
      this.#listener.onDetached(end);
      this.#reportEnd();
    },
  };

  private constructor(
    link: ConsumerLink,
    options: InputRules,
    whenDetached: 'end' | 'hold',
    listener: EngineListener,
    clock: Clock,
  ) {
    this.#listener = listener;
    this.#options = options;
    this.#delivery = options.delivery;
    this.#whenDetached = whenDetached;
    this.#endsWithLink = whenDetached === 'end';
    this.#clock = clock;
    this.#position = new ReadingPosition(link);
    this.#wait = new InlineWait(
      this.#position,
      () => !this.#paused && this.#attachment.hasNew,
      () => listener.onReady(),
      options.spinUs,
      clock,
    );
    this.source = new SourceStatus(link.file.provider);
    this.#attach(link, link.missedAtStart);
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
    return this.#paused ? 0 : Math.min(this.capacity, this.#attachment.reader.available);
  }

  get free(): number {
    return Math.max(0, this.capacity - this.ready - this.#position.borrowed);
  }

  get lost(): number {
    this.#countMissed();
    return this.#losses.counted;
  }

  get capacity(): number {
    return this.#attachment.link.file.geometry.slotCount;
  }

  get epoch(): number {
    return this.#attachment.reader.epoch;
  }

  get ended(): boolean {
    return this.#closed || (this.#attachment.end !== undefined && this.#endsWithLink);
  }

  take(): FlowBuffer | undefined {
    if (!this.#seekReady()) return undefined;
    const attachment = this.#attachment;
    const { reader } = attachment;
    const { sequence, epoch, timestampNs, flags } = reader;
    const view = attachment.view();
    const buffer = new FlowBuffer(attachment.owner, sequence, view, sequence, epoch, timestampNs, flags);
    this.#position.borrow(buffer);
    this.taken.buffers += 1;
    this.taken.bytes += buffer.size;
    reader.advance();
    this.#position.advanced();
    return buffer;
  }

  newest(count: number): FlowBuffer[] {
    return this.#closed ? [] : this.#attachment.newest(count);
  }

  /** Buffers are read in the ring itself: none waits for room elsewhere. */
  awaitRefill(): void {}

  poll(handler: PollHandler, limit: number): number {
    let handled = 0;
    try {
      while (handled < limit && this.#seekReady()) {
        handled += 1;
        this.#handle(handler);
        this.#position.advanced();
      }
    } finally {
      this.taken.buffers += handled;
    }
    return handled;
  }

  arm(): void {
    this.#wait.expect();
    if (!this.#paused) this.#wait.arm(this.#attachment.end === undefined);
  }

  block(timeoutMs: number): void {
    this.#wait.block(timeoutMs);
  }

  pause(): void {
    if (this.#paused || this.#closed) return;
    this.#paused = true;
    this.#attachment.link.pause();
  }

  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    this.#position.disarm();
    this.#attachment.link.resume();
    this.#wait.readyAfter(0);
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
    const start = { epoch: this.epoch, sequence: this.#position.needed };
    const { signal } = this.#options;
    const link = await attachConsumer(opened, { delivery: this.#delivery, start, signal }, this.#clock);
    // Reading of the old ring has continued meanwhile.
    const { epoch, next } = this.#attachment.reader;
    if (this.#closed) {
      link.close();
      throw new MirrorflowError('CLOSED', 'the input flow was closed while it reattached');
    }
    this.#attachment.leave();
    leftMapping(this.#attachment.link.file.geometry.fileBytes);
    this.#endReported = false;
    this.#endsWithLink = this.#whenDetached === 'end';
    // Borrowed buffers were requested again so that they stay valid; they are not delivered twice.
    const first = link.reader.next;
    const sameEpoch = link.reader.epoch === epoch;
    if (sameEpoch) link.reader.skipTo(next);
    else this.#position.restarted();
    this.#attach(link, sameEpoch ? Math.max(0, first - next) : 0);
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
    this.#wait.close();
    this.#position.end();
    this.#attachment.leave();
  }

  /**
   * Calls the handler with the buffer at the reader's position and advances, also when it throws.
   */
  #handle(handler: PollHandler): void {
    const attachment = this.#attachment;
    const { reader } = attachment;
    const polled = this.#polled;
    const { sequence, flags, size } = reader;
    polled.sequence = sequence;
    polled.epoch = reader.epoch;
    polled.timestampNs = reader.timestampNs;
    polled.size = size;
    polled.flags = typeFlags(flags);
    polled.generation = generationOf(flags);
    polled.bytes = attachment.view();
    this.taken.bytes += size;
    try {
      handler(polled);
    } finally {
      // The handler may have taken buffers, or the flow may have been reattached.
      if (this.#attachment === attachment && reader.next === sequence) {
        if (reader.isIntact()) reader.advance();
        else reader.skipMissed();
      }
    }
  }

  #attach(link: ConsumerLink, lost: number): void {
    this.#losses.counted += lost;
    link.missed = this.#losses.counted;
    this.#attachment = new InlineAttachment(link, this.#position, this.#attachmentListener, this.#paused);
    this.#position.useLink(link);
  }

  #reportEnd(): void {
    const { end } = this.#attachment;
    if (end === undefined || !this.#endsWithLink || this.#endReported) return;
    this.#endReported = true;
    this.#listener.onEnded(end);
    this.#listener.onReady();
  }

  #setSourceState(state: SourceState, generation: number): void {
    if (this.source.update(state, generation)) this.#listener.onState(state, generation);
  }

  /** True when the reader stands on a whole buffer. */
  #seekReady(): boolean {
    if (this.#closed || this.#paused) return false;
    const { reader, checkedMissed } = this.#attachment;
    const outcome = reader.peek();
    return outcome === 'ready' && reader.missed === checkedMissed ? true : this.#seekFurther(outcome);
  }

  /** The rare cases of `#seekReady`, kept out of its hot path. */
  #seekFurther(first: ReadOutcome): boolean {
    const attachment = this.#attachment;
    const { reader } = attachment;
    for (let outcome = first; ; outcome = reader.peek()) {
      if (outcome !== 'restarted') {
        this.#countMissed();
        if (outcome === 'empty') this.#position.drained();
        return outcome === 'ready';
      }
      this.#countMissed();
      attachment.restart();
      this.#position.restarted();
      const { epoch } = reader;
      queueMicrotask(() => this.#listener.onRestarted(epoch));
    }
  }

  #countMissed(): void {
    const losses = this.#losses;
    losses.counted += this.#attachment.countMissed();
    if (losses.counted === losses.reported) return;
    losses.reported = losses.counted;
    queueMicrotask(() => this.#listener.onLost());
  }
}
