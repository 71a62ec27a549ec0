/**
 * The main thread's end of a history: takes ready buffers in order and gives them back in any
 * order. No I/O. Memory that the other end has added is fetched when a buffer of it is first met,
 * so this end needs no event loop.
 */
import { BUFFER, CONTROL, type ControlBlock } from './control-block.js';
import { IndexQueue } from './index-queue.js';
import { RECORD, SegmentTable, type Segment } from './segments.js';

/** What is known of a buffer besides its payload; `flags` are those of the slot it came from. */
export interface HistoryRecord {
  sequence: number;
  epoch: number;
  timestampNs: number;
  size: number;
  flags: number;
}

export class HistoryConsumer {
  readonly #control: ControlBlock;
  /** The other end may overwrite what is ready: then taking it is a race. */
  readonly #overwritten: boolean;
  readonly #fetch: () => Segment | undefined;
  readonly #table = new SegmentTable();
  readonly #ready: IndexQueue;
  readonly #freed: IndexQueue;
  /**
   * Views of the size last seen in each buffer: flows of constant size need one per buffer for
   * ever.
   */
  readonly #views: (Uint8Array | undefined)[] = [];
  #taken = 0;

  /**
   * `overwritten`: the rules of the other end are to overwrite. `fetch` gives the segments that the
   * other end published, oldest first, without waiting.
   */
  constructor(control: ControlBlock, overwritten: boolean, fetch: () => Segment | undefined) {
    this.#control = control;
    this.#overwritten = overwritten;
    this.#fetch = fetch;
    const { int32, limit } = control;
    this.#ready = new IndexQueue(int32, CONTROL.readyHead, CONTROL.readyTail, control.readyEntries, limit);
    this.#freed = new IndexQueue(int32, CONTROL.freeHead, CONTROL.freeTail, control.freeEntries, limit);
  }

  /** Buffers that can be taken; the one that is being overwritten at the moment does not count. */
  get ready(): number {
    const newest = this.#ready.newest(0);
    if (newest < 0) return 0;
    return this.#ready.length - (this.#control.state(newest) === BUFFER.filling ? 1 : 0);
  }

  /** Buffers that can still be filled. */
  get free(): number {
    return Math.max(0, this.capacity - this.#ready.length - this.#taken);
  }

  /** Buffers in use: ready, free, or taken and not given back. */
  get capacity(): number {
    return this.#control.load(CONTROL.capacity);
  }

  get lost(): number {
    return this.#control.lost;
  }

  /**
   * Takes the oldest ready buffer, which is the caller's until `release`; -1 when there is none.
   */
  take(): number {
    const index = this.#ready.peek();
    if (index < 0) return -1;
    if (!this.#overwritten) this.#control.setState(index, BUFFER.taken);
    // Only the newest can be anything else than ready or held: it is being overwritten, and soon
    // there.
    else if (
      !this.#control.changeState(index, BUFFER.ready, BUFFER.taken) &&
      !this.#control.changeState(index, BUFFER.held, BUFFER.taken)
    )
      return -1;
    this.#ready.advance();
    this.#taken += 1;
    return index;
  }

  /**
   * Gives a taken buffer back. True when it retired instead of becoming free, since the history
   * shrinks.
   */
  release(index: number): boolean {
    this.#taken -= 1;
    if (this.#control.retireOne()) {
      this.#views[index] = undefined;
      this.#control.setState(index, BUFFER.retired);
      return true;
    }
    this.#control.setState(index, BUFFER.free);
    this.#freed.push(index);
    return false;
  }

  /**
   * Looks at the buffer `back` places before the newest: not overwritten until `unlook` or `take`;
   * -1 when it is not ready.
   */
  hold(back: number): number {
    const index = this.#ready.newest(back);
    return index >= 0 && this.#control.changeState(index, BUFFER.ready, BUFFER.held) ? index : -1;
  }

  unhold(index: number): void {
    this.#control.changeState(index, BUFFER.held, BUFFER.ready);
  }

  /**
   * What is known of a taken or looked-at buffer goes into `record`; returns its payload, `size`
   * bytes, in the shared memory.
   */
  read(index: number, record: HistoryRecord): Uint8Array {
    const { words, offset, area } = this.#place(index);
    const size = words.plain32(offset + RECORD.size);
    record.sequence = words.plain64(offset + RECORD.sequence);
    record.epoch = words.plain64(offset + RECORD.epoch);
    record.timestampNs = words.plain64(offset + RECORD.timestampNs);
    record.size = size;
    record.flags = words.plain32(offset + RECORD.flags);
    const known = this.#views[index];
    if (known !== undefined && known.length === size && known.buffer === area.buffer) return known;
    const made = area.subarray(0, size);
    this.#views[index] = made;
    return made;
  }

  /**
   * Whether the flow thread waits and should be woken now; true once per wait. It is let sleep
   * until a quarter of the history is free or nothing is ready any more: waking it for each buffer
   * would cost more than the buffers. `sure`: also when it has just begun to wait, which takes a
   * fence. Whoever asks without that asks once more when it has given back the last.
   */
  shouldWakeThread(sure = true): boolean {
    if (sure) this.#freed.fence();
    if (this.#control.peek(CONTROL.threadWaits) === 0) return false;
    const ready = this.#ready.length;
    if (ready >= this.#control.load(CONTROL.wakeBelow)) return false;
    const free = this.free;
    if (free === 0 || (ready > 0 && free * 4 < this.capacity)) return false;
    return this.#control.exchange(CONTROL.threadWaits, 0) === 1;
  }

  /**
   * Whether the fill has fallen to where the flow thread wants to look at it; true once per wish.
   */
  shouldReportFill(): boolean {
    const below = this.#control.peek(CONTROL.reportBelow);
    if (below === 0 || this.#ready.length >= below) return false;
    return this.#control.exchange(CONTROL.reportBelow, 0) !== 0;
  }

  /** Lets go of a segment that the other end has given back. */
  removeSegment(id: number): void {
    this.#fetchSegments();
    this.#table.remove(id);
  }

  #place(index: number): ReturnType<SegmentTable['at']> {
    if (!this.#table.has(index)) this.#fetchSegments();
    return this.#table.at(index);
  }

  #fetchSegments(): void {
    for (let segment = this.#fetch(); segment !== undefined; segment = this.#fetch())
      this.#table.add(segment);
  }
}
