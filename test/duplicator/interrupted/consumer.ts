/**
 * A consumer of a flow in small steps: joins the signal link, copies buffers into its history,
 * acknowledges, takes and checks them. A test may stop it between any two steps, or for good. Used
 * by world.ts, which chooses the steps at random. Pure: link and flow file are memory of the test.
 */
import { ControlBlock } from '../../../client-lib/input/history/control-block.js';
import { HistoryConsumer } from '../../../client-lib/input/history/history-consumer.js';
import { HistoryProducer } from '../../../client-lib/input/history/history-producer.js';
import type { Segment } from '../../../client-lib/input/history/segment-table.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { RingReader } from '../../../protocol/flow/flow-file/ring-reader.js';
import { AWAKE, MessageKind, packHello, unpackRefusal } from '../../../protocol/flow/signal-link/messages.js';
import type { MemoryLink } from '../../kit/memory-link.js';
import type { Ledger } from './ledger.js';

/** Most buffers of the history. */
const HISTORY_BUFFERS_MAX = 16;

export interface ConsumerOptions {
  readonly delivery: 'lossless' | 'lossy';
  /** Where to start; a number of buffers before the newest one. */
  readonly start: 'oldest' | 'latest' | number;
  /** Size of the history at the start, buffers. */
  readonly history: number;
  /** Largest payload of any flow file that is read, bytes. */
  readonly payloadCapacity: number;
}

export class InterruptedConsumer {
  readonly delivery: 'lossless' | 'lossy';
  readonly #start: ConsumerOptions['start'];
  readonly #ledger: Ledger;
  readonly #fileOf: (epoch: number) => FlowFile;
  readonly #producer: HistoryProducer;
  readonly #consumer: HistoryConsumer;
  /** Segments of the history that were freed and not reported to the main thread yet. */
  readonly #withdrawn: number[] = [];
  #link: MemoryLink | undefined;
  #isAdmitted = false;
  #epoch = 0;
  #reader: RingReader | undefined;
  /** In this epoch: the first sequence, the next one to take, and how many were taken. */
  #first = 0;
  #next = 0;
  #taken = 0;
  /** Buffers that were taken and not released. */
  readonly #held: number[] = [];
  /** Index of the buffer whose copy is not checked yet; -1 for none. */
  #uncheckedCopy = -1;

  constructor(options: ConsumerOptions, ledger: Ledger, fileOf: (epoch: number) => FlowFile) {
    const { delivery, start, history, payloadCapacity } = options;
    this.delivery = delivery;
    this.#start = start;
    this.#ledger = ledger;
    this.#fileOf = fileOf;
    const control = ControlBlock.create(HISTORY_BUFFERS_MAX);
    const segments: Segment[] = [];
    const rules = { history, whenFull: 'block', maxHistory: HISTORY_BUFFERS_MAX } as const;
    this.#consumer = new HistoryConsumer(ControlBlock.attach(control.memory), false, () => segments.shift());
    this.#producer = new HistoryProducer(
      control,
      rules,
      payloadCapacity,
      (segment) => segments.push(segment),
      (id) => this.#withdrawn.push(id),
    );
  }

  get attached(): boolean {
    return this.#isAdmitted && this.#link?.closed === false;
  }

  get link(): MemoryLink | undefined {
    return this.#link;
  }

  /** The first sequence of an epoch that it needs; Infinity unless it is lossless and admitted. */
  needed(epoch: number): number {
    const isHeld = this.delivery === 'lossless' && this.#reader !== undefined && epoch === this.#epoch;
    return isHeld ? this.#position : Number.POSITIVE_INFINITY;
  }

  /** Whether every published buffer of its epoch is taken. */
  get isUpToDate(): boolean {
    return this.attached && this.#consumer.ready === 0 && this.#reader?.next === this.#published;
  }

  /** Joins a link at the position of this consumer, or where it is to start. */
  join(link: MemoryLink): void {
    this.#link = link;
    this.#isAdmitted = false;
    const resumes = this.#epoch !== 0;
    this.#settleCopy();
    link.onMessage((kind, value, detail) => {
      if (kind === MessageKind.REFUSED) throw new Error(`a consumer was refused: ${unpackRefusal(detail)}`);
      if (kind === MessageKind.WELCOME) this.#enter(value);
      if (kind === MessageKind.BEGIN) this.#begin(value);
    });
    link.onClose(() => (this.#link = undefined));
    const { delivery } = this;
    const start = resumes || typeof this.#start === 'number' ? 'sequence' : this.#start;
    link.signal(MessageKind.HELLO, 1, packHello({ role: 'consumer', delivery, start }));
    if (resumes) link.signal(MessageKind.START, this.#position, this.#epoch);
    else if (typeof this.#start === 'number') link.signal(MessageKind.START, this.#start, 0);
  }

  /** Copies the next buffer, or checks the copy that the call before has made. */
  read(): void {
    const reader = this.#reader;
    if (!this.attached || reader === undefined) return;
    if (this.#uncheckedCopy >= 0) {
      this.#settleCopy();
      this.#acknowledge(AWAKE);
      return;
    }
    if (reader.peek() !== 'ready') {
      this.#acknowledge(0);
      return;
    }
    const index = this.#producer.claim();
    if (index < 0) return;
    this.#producer.area(index).set(reader.view());
    this.#uncheckedCopy = index;
  }

  /** Takes a buffer out of the history and checks it against the ledger. */
  take(): void {
    const index = this.#consumer.take();
    if (index < 0) return;
    const record = { sequence: 0, epoch: 0, timestampNs: 0, size: 0, flags: 0 };
    const payload = this.#consumer.read(index, record);
    const { sequence, epoch } = record;
    this.#ledger.check(epoch, sequence, payload);
    if (epoch === this.#epoch) {
      const isNext = this.delivery === 'lossless' ? sequence === this.#next : sequence >= this.#next;
      if (!isNext) throw new Error(`a ${this.delivery} consumer got ${sequence} after ${this.#next - 1}`);
      this.#next = sequence + 1;
      this.#taken += 1;
    }
    this.#held.push(index);
  }

  /** Releases one of the buffers that are held; `which` selects it. */
  release(which: number): void {
    const [index] = this.#held.splice(which % Math.max(1, this.#held.length), 1);
    if (index !== undefined && this.#consumer.release(index)) this.#producer.freeRetiredSegments();
  }

  /** Changes the size of the history to 1 to HISTORY_BUFFERS_MAX buffers. */
  resize(buffers: number): void {
    const to = 1 + (buffers % HISTORY_BUFFERS_MAX);
    if (to > this.#consumer.capacity) this.#producer.grow(to);
    else this.#producer.shrink(to);
  }

  /** Reports to the main thread which memory was freed. */
  deliverWithdrawals(): void {
    for (const id of this.#withdrawn.splice(0)) this.#consumer.removeSegment(id);
  }

  /** Throws unless every buffer of its epoch was taken, or counted where it is lossy. */
  checkEnd(): void {
    const missed = this.#reader?.missed ?? 0;
    const all = this.#published - this.#first;
    if (this.delivery === 'lossless' && missed > 0) throw new Error(`a lossless consumer missed ${missed}`);
    if (this.#taken + missed !== all)
      throw new Error(`a ${this.delivery} consumer took ${this.#taken} and missed ${missed} of ${all}`);
  }

  get #published(): number {
    return this.#ledger.published(this.#epoch);
  }

  /** The sequence that it needs next. */
  get #position(): number {
    return this.#reader?.next ?? this.#first;
  }

  #enter(epoch: number): void {
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#reader = undefined;
  }

  #begin(first: number): void {
    this.#isAdmitted = true;
    const position = this.#reader?.next;
    if (position === undefined) {
      this.#reader = new RingReader(this.#fileOf(this.#epoch), first);
      this.#first = first;
      this.#next = first;
      this.#taken = 0;
    } else if (this.delivery === 'lossless' && first > position)
      throw new Error(`a lossless consumer resumes at ${first} instead of ${position}`);
  }

  /** Commits the unchecked copy to the history if the writer has not overwritten it meanwhile. */
  #settleCopy(): void {
    const reader = this.#reader;
    if (this.#uncheckedCopy < 0 || reader === undefined) return;
    this.#uncheckedCopy = -1;
    if (!reader.isIntact()) {
      if (this.delivery === 'lossless')
        throw new Error(`a lossless consumer was lapped at ${reader.sequence}`);
      return;
    }
    const { sequence, timestampNs, size, flags } = reader;
    this.#producer.commit(sequence, this.#epoch, timestampNs, size, flags);
    reader.advance();
  }

  #acknowledge(detail: number): void {
    this.#link?.signal(MessageKind.ACK, this.#position, detail);
  }
}
