/**
 * The loop of a flow thread: copies published buffers from the ring into the history, acknowledges
 * them to the duplicator, waits for its next signal. Used by FlowReader. Reads the mapped flow file
 * and sends on the signal link. One pass copies all published buffers, within a bound so that the
 * thread handles the link's messages; nothing is allocated per buffer.
 */
import type { Clock } from '../../../protocol/base/clock.js';
import type { SourceState } from '../../../protocol/flow/flow-file/layout.js';
import type { LinkEnd } from '../../../protocol/flow/signal-link/link.js';
import type { SequencePoint } from '../../link/handshake.js';
import { leftMapping } from '../../link/replaced-file.js';
import { ConsumerAttachment, type AttachmentListener } from '../consumer-attachment.js';
import type { ConsumerLink } from '../consumer-link.js';
import { SourceStatus } from '../source-status.js';
import { CLAIM_DROP, CLAIM_WAIT, type HistoryProducer } from '../history/history-producer.js';

const PASS_BUFFERS = 4096;
const PASS_BYTES = 16 * 1024 * 1024;
/** Bytes after which a waiting main thread is woken within a pass: for flows of large buffers. */
const WAKE_BYTES = 256 * 1024;
/**
 * From this size on `fill` copies into shared memory faster than `set`, which V8 runs word by word
 * there.
 */
const FILL_BYTES = 4096;
/** A run that spins returns to the event loop after this time. */
const RUN_MS = 5;
/**
 * A signal after a longer wait starts a pass at once. An earlier one starts it a turn of the event
 * loop later: buffers that a fast provider writes meanwhile need no signal of their own then.
 */
const LOW_RATE_INTERVAL_MS = 0.2;
/** Readings of the published word between two readings of the clock. */
const CHECKS_PER_CLOCK = 64;

export interface ReadingHooks {
  /** Runs the action in a later turn of the event loop. */
  readonly later: (action: () => void) => void;
  /** Whether no published buffer waits for room: reported before `wake`. */
  readonly idle: (isIdle: boolean) => void;
  /** Buffers may have become ready or were lost: wakes the main thread if it waits. */
  readonly wake: () => void;
  readonly restarted: (epoch: number) => void;
  readonly state: (state: SourceState, generation: number) => void;
  /** Whether the program has paused the flow. */
  readonly isPaused: () => boolean;
  /** A buffer has become ready. */
  readonly filled?: () => void;
  /** The duplicator has made this consumer lossy. */
  readonly demoted: () => void;
  /** The link has ended; the buffers left in the ring are read first. */
  readonly detached: (end: LinkEnd) => void;
  /** After `detached`: all buffers of the ring were read. */
  readonly drained: (end: LinkEnd) => void;
}

type Activity = 'running' | 'waitsForSignal' | 'waitsForRoom' | 'stopped';

export class ReadingLoop {
  readonly #producer: HistoryProducer;
  readonly #hooks: ReadingHooks;
  readonly #clock: Clock;
  readonly #spinUs: number;
  readonly #run = (): void => this.#runNow();
  #cursor!: ConsumerAttachment;
  #activity: Activity = 'stopped';
  #scheduled = false;
  #isPaused = false;
  #quarter = 1;
  #acknowledged = -1;
  /** When the ring was drained last. */
  #drainedMs = 0;
  readonly source: SourceStatus;
  readonly #listener: AttachmentListener = {
    signalled: () => this.#signalled(),
    state: (state, generation) => this.#setSourceState(state, generation),
    demoted: () => this.#hooks.demoted(),
    ended: (end) => this.#linkEnded(end),
  };

  constructor(
    link: ConsumerLink,
    producer: HistoryProducer,
    hooks: ReadingHooks,
    clock: Clock,
    spinUs: number,
  ) {
    this.#producer = producer;
    this.#hooks = hooks;
    this.#clock = clock;
    this.#spinUs = spinUs;
    this.source = new SourceStatus(link.file.provider);
    this.#attach(link);
  }

  /** Where another link has to continue. */
  get resumePoint(): SequencePoint {
    const { epoch, next } = this.#cursor.reader;
    return { epoch, sequence: next };
  }

  /** Continues with another link; closes the old one. */
  replace(link: ConsumerLink): void {
    const { epoch, next } = this.#cursor.reader;
    this.#cursor.leave();
    leftMapping(this.#cursor.link.file.geometry.fileBytes);
    const isSameEpoch = link.reader.epoch === epoch;
    // A duplicator whose file was put back may have less than was read of the removed one.
    if (isSameEpoch) link.reader.skipTo(next);
    this.#attach(link);
    if (!isSameEpoch) this.#hooks.restarted(link.reader.epoch);
    const { state, generation } = link.file.provider;
    this.#setSourceState(state, generation);
  }

  /** The main thread has released buffers, or the history has grown. */
  roomFreed(): void {
    if (this.#activity === 'waitsForRoom') this.#scheduleRun();
  }

  /** Stops copying until `resume` or `replace`: the flow is being reattached. */
  suspend(): void {
    this.#stop();
  }

  resume(): void {
    if (this.#activity === 'stopped') this.#scheduleRun();
  }

  /** The program's pause: nothing is read until it ends. */
  setPaused(paused: boolean): void {
    if (paused === this.#isPaused) return;
    this.#isPaused = paused;
    if (paused) {
      this.#cursor.link.pause();
      this.#stop();
    } else {
      this.#cursor.link.resume();
      this.#scheduleRun();
    }
  }

  close(): void {
    this.#activity = 'stopped';
    this.#cursor.link.close();
  }

  #attach(link: ConsumerLink): void {
    link.missed += (this.#cursor as ConsumerAttachment | undefined)?.link.missed ?? 0;
    this.#cursor = new ConsumerAttachment(link, this.#listener, this.#isPaused);
    this.#quarter = Math.max(1, link.file.geometry.slotCount >> 2);
    this.#acknowledged = -1;
    this.#producer.countLost(link.missedAtStart);
    this.#scheduleRun();
  }

  #signalled(): void {
    if (this.#activity !== 'waitsForSignal') return;
    if (this.#clock.nowMs() - this.#drainedMs < LOW_RATE_INTERVAL_MS) {
      this.#scheduleRun();
      return;
    }
    this.#activity = 'running';
    this.#runNow();
  }

  #linkEnded(end: LinkEnd): void {
    this.#hooks.detached(end);
    if (this.#activity === 'waitsForSignal') this.#scheduleRun();
  }

  #setSourceState(state: SourceState, generation: number): void {
    if (this.source.update(state, generation)) this.#hooks.state(state, generation);
  }

  #stop(): void {
    this.#activity = 'stopped';
    this.#hooks.idle(true);
  }

  #scheduleRun(): void {
    if (this.#isPaused) return this.#stop();
    this.#activity = 'running';
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#hooks.later(this.#run);
  }

  #runNow(): void {
    this.#scheduled = false;
    if (this.#hooks.isPaused()) this.setPaused(true);
    if (this.#activity !== 'running') return;
    const startedMs = this.#clock.nowMs();
    for (;;) {
      const outcome = this.#pass();
      this.#countMissed();
      this.#producer.fence();
      this.#hooks.idle(outcome === 'drained');
      this.#hooks.wake();
      if (outcome === 'drained') {
        const { end } = this.#cursor;
        if (end !== undefined) {
          this.#activity = 'stopped';
          this.#hooks.drained(end);
          return;
        }
        if (!this.#spin()) {
          this.#acknowledge(true);
          this.#drainedMs = this.#clock.nowMs();
          this.#activity = 'waitsForSignal';
          return;
        }
        if (this.#clock.nowMs() - startedMs < RUN_MS) continue;
      } else if (outcome === 'full') {
        this.#acknowledge(false);
        if (this.#producer.requestWake()) {
          this.#activity = 'waitsForRoom';
          return;
        }
      } else {
        this.#acknowledge(false);
      }
      this.#scheduleRun();
      return;
    }
  }

  #pass(): 'drained' | 'full' | 'more' {
    const cursor = this.#cursor;
    const { reader } = cursor;
    const producer = this.#producer;
    let bytes = 0;
    let unreportedBytes = 0;
    for (let buffers = 0; buffers < PASS_BUFFERS && bytes < PASS_BYTES; buffers += 1) {
      const outcome = reader.peek();
      if (outcome === 'empty') return 'drained';
      if (outcome === 'restarted') {
        this.#restart();
        continue;
      }
      const index = producer.claim();
      if (index === CLAIM_WAIT) return 'full';
      if (index !== CLAIM_DROP) {
        copyShared(producer.area(index), cursor.view());
        // Overwritten while it was copied: the next `look` counts it, the claim is used again.
        if (!reader.isIntact()) continue;
        producer.commit(reader.sequence, reader.epoch, reader.timestampNs, reader.size, reader.flags);
        this.#hooks.filled?.();
        bytes += reader.size;
        unreportedBytes += reader.size;
      }
      reader.advance();
      if (reader.next - this.#acknowledged >= this.#quarter) this.#acknowledge(false);
      if (unreportedBytes >= WAKE_BYTES) {
        unreportedBytes = 0;
        producer.fence();
        this.#hooks.wake();
      }
    }
    return 'more';
  }

  #restart(): void {
    this.#countMissed();
    this.#cursor.restart();
    this.#acknowledged = -1;
    this.#hooks.restarted(this.#cursor.reader.epoch);
  }

  #countMissed(): void {
    this.#producer.countLost(this.#cursor.countMissed());
  }

  /** True when something was published while spinning. */
  #spin(): boolean {
    if (this.#spinUs === 0) return false;
    this.#acknowledge(false);
    const { reader } = this.#cursor;
    const until = this.#clock.nowMs() + this.#spinUs / 1000;
    do {
      for (let check = 0; check < CHECKS_PER_CLOCK; check += 1) if (reader.available > 0) return true;
    } while (this.#clock.nowMs() < until);
    return false;
  }

  /** `waits`: also asks for a signal, so it is sent even without a new count. */
  #acknowledge(waits: boolean): void {
    const { next } = this.#cursor.reader;
    if (!waits && next === this.#acknowledged) return;
    this.#acknowledged = next;
    this.#cursor.link.acknowledge(next, waits);
  }
}

/** Found once: finding it behind the prototypes of a Buffer takes longer than a small copy. */
const setBytes = Uint8Array.prototype.set;

/** Copies `source` to the start of a buffer of the history, which both threads map. */
function copyShared(target: Buffer, source: Uint8Array): void {
  if (source.length >= FILL_BYTES) target.fill(source, 0, source.length);
  else setBytes.call(target, source);
}
