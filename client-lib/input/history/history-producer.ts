/**
 * The flow thread's end of a history (the ring of buffers that the main thread takes from): finds a
 * buffer to fill, applies the policy for a full history, and makes filled buffers ready. Used by
 * FlowReader and ReadingLoop. The only end that allocates and frees memory. No I/O; both ends also
 * work within one thread.
 */
import { BUFFER, CONTROL, type ControlBlock } from './control-block.js';
import { IndexQueue } from './index-queue.js';
import { RECORD, recordStride, SegmentTable, type Segment } from './segment-table.js';
import type { HistoryRules } from './history-rules.js';

/** `claim` found no room, and the policy is to wait for it. */
export const CLAIM_WAIT = -1;
/** `claim` found no room, and the policy is to drop the buffer, which is counted as lost. */
export const CLAIM_DROP = -2;

const { sequence: SEQUENCE, epoch: EPOCH, timestampNs: TIMESTAMP, size: SIZE, flags: FLAGS } = RECORD;

/** No mark: any number of ready buffers is below it. */
const ANY_NUMBER = 0x7fff_ffff;

export class HistoryProducer {
  readonly #control: ControlBlock;
  readonly #rules: HistoryRules;
  readonly #stride: number;
  readonly #publish: (segment: Segment) => void;
  readonly #withdraw: (id: number) => void;
  readonly #table = new SegmentTable();
  readonly #ready: IndexQueue;
  readonly #freed: IndexQueue;
  /** Free buffers outside the free queue: new ones, and those that `shrink` took out of it. */
  readonly #spare: number[] = [];
  readonly #segments: Segment[] = [];
  #nextSegment = 1;
  /** Index of the claimed buffer; -1 for none. */
  #claimed = -1;
  #overwriting = false;
  #newest = -1;
  /** The high watermark was reached, the low one not yet. */
  #stopped = false;
  #lost = 0;

  /** `publish` and `withdraw` send the other thread a segment that was added or freed. */
  constructor(
    control: ControlBlock,
    rules: HistoryRules,
    payloadCapacity: number,
    publish: (segment: Segment) => void,
    withdraw: (id: number) => void,
  ) {
    this.#control = control;
    this.#rules = rules;
    this.#stride = recordStride(payloadCapacity);
    this.#publish = publish;
    this.#withdraw = withdraw;
    const { int32, limit } = control;
    this.#ready = new IndexQueue(int32, CONTROL.readyHead, CONTROL.readyTail, control.readyEntries, limit);
    this.#freed = new IndexQueue(int32, CONTROL.freeHead, CONTROL.freeTail, control.freeEntries, limit);
    this.grow(rules.history);
  }

  /** Number of ready buffers. */
  get filled(): number {
    return this.#ready.length;
  }

  /** Payload bytes of a buffer. */
  get payloadBytes(): number {
    return this.#stride - RECORD.payload;
  }

  /**
   * Index of a buffer to fill, or CLAIM_WAIT or CLAIM_DROP. Until `commit` the same buffer is
   * claimed again. With `overwrite` it may be the newest ready one, whose content is lost then.
   */
  claim(): number {
    if (this.#claimed >= 0) return this.#claimed;
    this.#checkWatermarks();
    if (!this.#stopped) {
      const free = this.#takeFree();
      if (free >= 0) return this.#claim(free, false);
      if (this.#rules.whenFull === 'grow' && this.#growByPolicy())
        return this.#claim(this.#takeFree(), false);
    }
    switch (this.#rules.whenFull) {
      case 'block':
      case 'grow':
        return CLAIM_WAIT;
      case 'overwrite':
        if (this.#newest >= 0 && this.#control.changeState(this.#newest, BUFFER.ready, BUFFER.filling)) {
          this.countLost(1);
          return this.#claim(this.#newest, true);
        }
        break;
      case 'drop':
        break;
    }
    this.countLost(1);
    return CLAIM_DROP;
  }

  /** Payload area of a claimed buffer, the same object every time. */
  area(index: number): Buffer {
    return this.#table.at(index).area;
  }

  /** Makes commits visible to the main thread before this thread reads whether it waits. */
  fence(): void {
    this.#ready.fence();
  }

  /** Makes the claimed buffer ready. Metadata in the units of the flow file. */
  commit(sequence: number, epoch: number, timestampNs: number, size: number, flags: number): void {
    const index = this.#claimed;
    const { words, offset } = this.#table.at(index);
    words.setPlain64(offset + SEQUENCE, sequence);
    words.setPlain64(offset + EPOCH, epoch);
    words.setPlain64(offset + TIMESTAMP, timestampNs);
    words.setPlain32(offset + SIZE, size);
    words.setPlain32(offset + FLAGS, flags);
    this.#claimed = -1;
    this.#newest = index;
    this.#control.setState(index, BUFFER.ready);
    // An overwritten buffer is in the queue already.
    if (!this.#overwriting) this.#ready.push(index);
  }

  get lost(): number {
    return this.#lost;
  }

  countLost(buffers: number): void {
    if (buffers === 0) return;
    this.#lost += buffers;
    this.#control.lost = this.#lost;
  }

  /**
   * After CLAIM_WAIT: requests a wake-up by the main thread. False when room was freed meanwhile,
   * since no wake-up would come then.
   */
  requestWake(): boolean {
    this.#control.store(
      CONTROL.wakeBelow,
      this.#stopped ? (this.#rules.watermarks?.low ?? ANY_NUMBER) : ANY_NUMBER,
    );
    this.#control.store(CONTROL.threadWaits, 1);
    if (this.claim() === CLAIM_WAIT) return true;
    this.#control.store(CONTROL.threadWaits, 0);
    return false;
  }

  /** Grows to at least `to` buffers. False when the system has no memory for them. */
  grow(to: number): boolean {
    // The target first: the main thread retires no buffer that this count contains.
    this.#control.store(CONTROL.target, Math.max(to, this.#control.load(CONTROL.target)));
    const missing = to - this.#control.load(CONTROL.capacity);
    if (missing <= 0) return true;
    let left = missing - this.#revive(missing);
    while (left > 0) {
      const segment = this.#allocate(left);
      if (segment === undefined) return false;
      this.#add(segment);
      left -= segment.count;
    }
    return true;
  }

  /** Shrinks to `to` buffers as they are released. */
  shrink(to: number): void {
    this.#control.store(CONTROL.target, to);
    const remaining: number[] = [];
    for (;;) {
      const index = this.#takeFree();
      if (index < 0) break;
      remaining.push(index);
    }
    this.#spare.push(...remaining);
    this.freeRetiredSegments();
  }

  /** Frees segments whose buffers have all retired. */
  freeRetiredSegments(): void {
    for (let at = this.#segments.length - 1; at >= 0; at -= 1) {
      const segment = this.#segments[at];
      if (segment === undefined || !this.#allRetired(segment)) continue;
      for (let index = segment.first; index < segment.first + segment.count; index += 1) {
        this.#control.setState(index, BUFFER.unused);
      }
      this.#segments.splice(at, 1);
      this.#table.remove(segment.id);
      this.#withdraw(segment.id);
    }
  }

  #claim(index: number, overwriting: boolean): number {
    this.#claimed = index;
    this.#overwriting = overwriting;
    if (!overwriting) this.#control.setState(index, BUFFER.filling);
    return index;
  }

  #checkWatermarks(): void {
    const marks = this.#rules.watermarks;
    if (marks === undefined) return;
    const ready = this.#ready.length;
    if (ready >= marks.high) this.#stopped = true;
    else if (ready < marks.low) this.#stopped = false;
  }

  #takeFree(): number {
    for (;;) {
      let index = this.#spare.pop() ?? -1;
      if (index < 0) {
        index = this.#freed.peek();
        if (index < 0) return -1;
        this.#freed.advance();
      }
      if (!this.#control.retireOne()) return index;
      this.#control.setState(index, BUFFER.retired);
    }
  }

  #growByPolicy(): boolean {
    const capacity = this.#control.load(CONTROL.capacity);
    const to = Math.min(this.#rules.maxHistory, capacity * 2);
    return to > capacity && this.grow(to);
  }

  /** Puts up to `count` retired buffers into use again; returns their number. */
  #revive(count: number): number {
    let revived = 0;
    for (const segment of this.#segments) {
      for (let index = segment.first; index < segment.first + segment.count && revived < count; index += 1) {
        if (!this.#control.changeState(index, BUFFER.retired, BUFFER.free)) continue;
        this.#spare.push(index);
        revived += 1;
      }
    }
    this.#control.addCapacity(revived);
    return revived;
  }

  #allRetired(segment: Segment): boolean {
    for (let index = segment.first; index < segment.first + segment.count; index += 1) {
      if (this.#control.state(index) !== BUFFER.retired) return false;
    }
    return true;
  }

  #add(segment: Segment): void {
    this.#segments.push(segment);
    this.#table.add(segment);
    this.#publish(segment);
    this.#control.store(CONTROL.newestSegment, segment.id);
    for (let index = segment.first + segment.count - 1; index >= segment.first; index -= 1) {
      this.#control.setState(index, BUFFER.free);
      this.#spare.push(index);
    }
    this.#control.addCapacity(segment.count);
  }

  /**
   * Allocates a segment of up to `count` buffers for the first gap of unused numbers; undefined
   * without a gap or without memory.
   */
  #allocate(count: number): Segment | undefined {
    const { limit } = this.#control;
    let first = 0;
    while (first < limit && this.#control.state(first) !== BUFFER.unused) first += 1;
    let end = first;
    while (end < limit && end - first < count && this.#control.state(end) === BUFFER.unused) end += 1;
    if (end === first) return undefined;
    try {
      const memory = new SharedArrayBuffer((end - first) * this.#stride);
      return { id: this.#nextSegment++, first, count: end - first, stride: this.#stride, memory };
    } catch {
      return undefined; // the system has no memory
    }
  }
}
