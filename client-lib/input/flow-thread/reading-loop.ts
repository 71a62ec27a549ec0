/**
 * What a flow thread does all day: copies whatever is published into the history, acknowledges,
 * waits to be signalled. One pass copies everything there is; nothing is allocated per buffer.
 * Passes are bounded, so that the thread hears its link.
 */
import type { Clock } from '../../../protocol/base/clock.js';
import { sourceStateOf, type SourceState } from '../../../protocol/flow/flow-file/layout.js';
import type { LinkEnd } from '../../../protocol/flow/signal-link/link.js';
import { MessageKind } from '../../../protocol/flow/signal-link/messages.js';
import type { SequencePoint } from '../../link/handshake.js';
import type { ConsumerLink } from '../consumer-link.js';
import { CLAIM_DROP, CLAIM_WAIT, type HistoryProducer } from '../history/producer.js';

const PASS_BUFFERS = 4096;
const PASS_BYTES = 16 * 1024 * 1024;
/**
 * After so many bytes a main thread that waits is woken in mid-pass: large buffers should not wait
 * for each other.
 */
const WAKE_BYTES = 256 * 1024;
/**
 * From here on memory that threads share is filled faster than it is set: `set` copies it word by
 * word, `fill` as any memory.
 */
const FILL_BYTES = 4096;
/** A run with spinning gives way to the event loop after this time. */
const RUN_MS = 5;
/**
 * A signal that was waited for longer than this is followed at once. One that comes sooner is
 * followed a turn of the event loop later, so that what a fast provider writes meanwhile comes with
 * it and needs no signal of its own.
 */
const SELDOM_MS = 0.2;
/** Looks at the published word between two looks at the clock. */
const SPIN_LOOKS = 64;

export interface ReadingHooks {
  /** Runs the action in a later turn of the event loop. */
  readonly later: (action: () => void) => void;
  /** Buffers may have become ready, or were lost: wake the main thread if it waits. */
  readonly wake: () => void;
  readonly restarted: (epoch: number) => void;
  readonly state: (state: SourceState, generation: number) => void;
  /** Whether the user has paused the flow. */
  readonly held: () => boolean;
  /** A buffer was made ready. */
  readonly filled?: () => void;
  /** The duplicator has made this consumer lossy. */
  readonly demoted: () => void;
  /** The link has ended; what the ring still holds is read first. */
  readonly detached: (end: LinkEnd) => void;
  /** After `detached`: the ring is read to its end. */
  readonly drained: (end: LinkEnd) => void;
}

type Activity = 'running' | 'waitsForSignal' | 'waitsForRoom' | 'stopped';

export class ReadingLoop {
  readonly #producer: HistoryProducer;
  readonly #hooks: ReadingHooks;
  readonly #clock: Clock;
  readonly #spinUs: number;
  readonly #run = (): void => this.#runNow();
  #link: ConsumerLink;
  #end: LinkEnd | undefined;
  #activity: Activity = 'stopped';
  #scheduled = false;
  #held = false;
  /** Views of the size last seen in each slot of the ring. */
  #views: (Uint8Array | undefined)[] = [];
  #quarter = 1;
  #acknowledged = -1;
  /** When everything was read. */
  #drainedMs = 0;
  #missed = 0;
  #state: SourceState;
  #generation: number;

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
    this.#link = link;
    const { state, generation } = link.file.provider;
    this.#state = state;
    this.#generation = generation;
    this.#follow(link);
  }

  /** Where another link has to go on. */
  get resumePoint(): SequencePoint {
    return { epoch: this.#link.reader.epoch, sequence: this.#link.reader.next };
  }

  get sourceState(): SourceState {
    return this.#state;
  }

  get sourceGeneration(): number {
    return this.#generation;
  }

  /** Goes on from another link; the old one, if it still stands, is closed. */
  replace(link: ConsumerLink): void {
    const { epoch } = this.#link.reader;
    this.#link.close();
    this.#end = undefined;
    this.#follow(link);
    if (link.reader.epoch !== epoch) this.#hooks.restarted(link.reader.epoch);
    const { state, generation } = link.file.provider;
    this.#changeState(state, generation);
  }

  /** The main thread has given buffers back, or the history has grown. */
  room(): void {
    if (this.#activity === 'waitsForRoom') this.#wakeUp();
  }

  /** Copies nothing more until `resume` or `replace`. */
  pause(): void {
    this.#activity = 'stopped';
  }

  resume(): void {
    if (this.#activity === 'stopped') this.#wakeUp();
  }

  /** The user's pause: nothing is read, whatever happens, until it ends. */
  hold(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    if (held) {
      this.#link.pause();
      this.#activity = 'stopped';
    } else {
      this.#link.resume();
      this.#wakeUp();
    }
  }

  close(): void {
    this.#activity = 'stopped';
    this.#link.close();
  }

  #follow(link: ConsumerLink): void {
    this.#link = link;
    this.#views = [];
    this.#quarter = Math.max(1, link.file.geometry.slotCount >> 2);
    this.#acknowledged = -1;
    // What the reader skipped when it was made is in missedAtStart, as far as it was asked for.
    this.#missed = link.reader.missed;
    this.#producer.countLost(link.missedAtStart);
    link.onSignal((kind, value, detail) => {
      if (this.#link !== link) return;
      if (kind === MessageKind.STATUS) {
        const state = sourceStateOf(detail);
        if (state !== undefined) this.#changeState(state, value);
      } else if (kind === MessageKind.DELIVERY) {
        this.#hooks.demoted();
      } else if (this.#activity === 'waitsForSignal') {
        if (this.#clock.nowMs() - this.#drainedMs < SELDOM_MS) {
          this.#wakeUp();
          return;
        }
        this.#activity = 'running';
        this.#runNow();
      }
    });
    link.onEnd((end) => {
      if (this.#link !== link) return;
      this.#end = end;
      this.#hooks.detached(end);
      if (this.#activity === 'waitsForSignal') this.#wakeUp();
    });
    if (this.#held) link.pause();
    this.#wakeUp();
  }

  #changeState(state: SourceState, generation: number): void {
    if (state === this.#state && generation === this.#generation) return;
    this.#state = state;
    this.#generation = generation;
    this.#hooks.state(state, generation);
  }

  #wakeUp(): void {
    this.#activity = this.#held ? 'stopped' : 'running';
    if (this.#held) return;
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#hooks.later(this.#run);
  }

  #runNow(): void {
    this.#scheduled = false;
    if (this.#hooks.held()) this.hold(true);
    if (this.#activity !== 'running') return;
    const begun = this.#clock.nowMs();
    for (;;) {
      const outcome = this.#pass();
      this.#countMissed();
      this.#producer.fence();
      this.#hooks.wake();
      if (outcome === 'drained') {
        if (this.#end !== undefined) {
          this.#activity = 'stopped';
          this.#hooks.drained(this.#end);
          return;
        }
        if (!this.#spin()) {
          this.#acknowledge(true);
          this.#drainedMs = this.#clock.nowMs();
          this.#activity = 'waitsForSignal';
          return;
        }
        if (this.#clock.nowMs() - begun < RUN_MS) continue;
      } else if (outcome === 'full') {
        this.#acknowledge(false);
        if (this.#producer.requestWake()) {
          this.#activity = 'waitsForRoom';
          return;
        }
      } else {
        this.#acknowledge(false);
      }
      this.#wakeUp();
      return;
    }
  }

  #pass(): 'drained' | 'full' | 'more' {
    const { reader } = this.#link;
    const producer = this.#producer;
    let bytes = 0;
    let unseen = 0;
    for (let buffers = 0; buffers < PASS_BUFFERS && bytes < PASS_BYTES; buffers += 1) {
      const outcome = reader.look();
      if (outcome === 'empty') return 'drained';
      if (outcome === 'restarted') {
        this.#restart();
        continue;
      }
      const index = producer.claim();
      if (index === CLAIM_WAIT) return 'full';
      if (index !== CLAIM_DROP) {
        copyShared(producer.area(index), this.#view());
        // Lapped in mid-copy: the next look skips and counts; the claimed buffer is claimed again.
        if (!reader.stillThere()) continue;
        producer.commit(reader.sequence, reader.epoch, reader.timestampNs, reader.size, reader.flags);
        this.#hooks.filled?.();
        bytes += reader.size;
        unseen += reader.size;
      }
      reader.advance();
      if (reader.next - this.#acknowledged >= this.#quarter) this.#acknowledge(false);
      if (unseen >= WAKE_BYTES) {
        unseen = 0;
        producer.fence();
        this.#hooks.wake();
      }
    }
    return 'more';
  }

  /** The payload that the reader looks at. */
  #view(): Uint8Array {
    const { reader } = this.#link;
    const known = this.#views[reader.slot];
    if (known !== undefined && known.length === reader.size) return known;
    const made = reader.view();
    this.#views[reader.slot] = made;
    return made;
  }

  #restart(): void {
    const { reader } = this.#link;
    this.#countMissed();
    reader.follow('oldest');
    this.#missed = reader.missed;
    this.#acknowledged = -1;
    this.#hooks.restarted(reader.epoch);
  }

  #countMissed(): void {
    const { missed } = this.#link.reader;
    this.#producer.countLost(missed - this.#missed);
    this.#missed = missed;
  }

  /** True when something was published while spinning. */
  #spin(): boolean {
    if (this.#spinUs === 0) return false;
    this.#acknowledge(false);
    const { reader } = this.#link;
    const until = this.#clock.nowMs() + this.#spinUs / 1000;
    do {
      for (let look = 0; look < SPIN_LOOKS; look += 1) if (reader.available > 0) return true;
    } while (this.#clock.nowMs() < until);
    return false;
  }

  /** Going on needs saying only when there is something new; waiting always does. */
  #acknowledge(waits: boolean): void {
    const { next } = this.#link.reader;
    if (!waits && next === this.#acknowledged) return;
    this.#acknowledged = next;
    this.#link.acknowledge(next, waits);
  }
}

/** Copies `source` to the begin of a buffer that the main thread reads after it was made ready. */
function copyShared(target: Buffer, source: Uint8Array): void {
  if (source.length >= FILL_BYTES) target.fill(source, 0, source.length);
  else target.set(source);
}
