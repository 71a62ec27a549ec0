/**
 * The main thread's end of a history (the ring of buffers that a flow thread fills): takes ready
 * buffers in order and releases them in any order. Used by ThreadedEngine. No I/O. Memory segments
 * that the other end has added are fetched before the next buffer is read, so this end needs no
 * event loop.
 */
import { BUFFER, CONTROL, type ControlBlock } from './control-block.js';
import { IndexQueue } from './index-queue.js';
import { RECORD, SegmentTable, type Segment } from './segment-table.js';

const { sequence: SEQUENCE, epoch: EPOCH, timestampNs: TIMESTAMP, size: SIZE, flags: FLAGS } = RECORD;

/** Metadata of a buffer; `flags` are those of its slot in the flow file. */
export interface HistoryRecord {
  sequence: number;
  epoch: number;
  timestampNs: number;
  size: number;
  flags: number;
}

export class HistoryConsumer {
  readonly #control: ControlBlock;
  /** The other end may overwrite the newest ready buffer: taking it is a race then. */
  readonly #mayBeOverwritten: boolean;
  readonly #fetch: () => Segment | undefined;
  readonly #table = new SegmentTable();
  readonly #ready: IndexQueue;
  readonly #freed: IndexQueue;
  /** Id of the newest segment in the table. */
  #newestSegment = 0;
  #taken = 0;

  /**
   * `mayBeOverwritten`: the policy is `overwrite`. `fetch` returns the next segment that the other
   * end has added, without waiting; undefined when there is none.
   */
  constructor(control: ControlBlock, mayBeOverwritten: boolean, fetch: () => Segment | undefined) {
    this.#control = control;
    this.#mayBeOverwritten = mayBeOverwritten;
    this.#fetch = fetch;
    const { int32, limit } = control;
    this.#ready = new IndexQueue(int32, CONTROL.readyHead, CONTROL.readyTail, control.readyEntries, limit);
    this.#freed = new IndexQueue(int32, CONTROL.freeHead, CONTROL.freeTail, control.freeEntries, limit);
  }

  /** Buffers that can be taken; one that is being overwritten does not count. */
  get ready(): number {
    const newest = this.#ready.newest(0);
    if (newest < 0) return 0;
    return this.#ready.length - (this.#control.state(newest) === BUFFER.filling ? 1 : 0);
  }

  /** Empty buffers. */
  get free(): number {
    return Math.max(0, this.capacity - this.#ready.length - this.#taken);
  }

  /** Buffers in use: ready, free, or taken and not released. */
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
    if (!this.#mayBeOverwritten) this.#control.setState(index, BUFFER.taken);
    // Only the newest can be neither ready nor held: it is being overwritten, and ready soon.
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
   * Releases a taken buffer. True when it retired instead of becoming free, because the history
   * shrinks.
   */
  release(index: number): boolean {
    this.#taken -= 1;
    if (this.#control.retireOne()) {
      this.#control.setState(index, BUFFER.retired);
      return true;
    }
    this.#control.setState(index, BUFFER.free);
    this.#freed.push(index);
    return false;
  }

  /**
   * Holds the buffer `back` places before the newest: it is not overwritten until `unhold` or
   * `take`. Returns its index; -1 when it is not ready.
   */
  hold(back: number): number {
    const index = this.#ready.newest(back);
    return index >= 0 && this.#control.changeState(index, BUFFER.ready, BUFFER.held) ? index : -1;
  }

  unhold(index: number): void {
    this.#control.changeState(index, BUFFER.held, BUFFER.ready);
  }

  /**
   * Stores the metadata of a taken or held buffer in `record`; returns its payload, `size` bytes of
   * the shared memory.
   */
  read(index: number, record: HistoryRecord): Uint8Array {
    const place = this.#place(index);
    const { words, offset, view } = place;
    const size = words.plainHalf(offset + SIZE);
    record.sequence = words.plain64(offset + SEQUENCE);
    record.epoch = words.plain64(offset + EPOCH);
    record.timestampNs = words.plain64(offset + TIMESTAMP);
    record.size = size;
    record.flags = words.plain32(offset + FLAGS);
    return view.length === size ? view : (place.view = place.area.subarray(0, size));
  }

  /**
   * Whether the flow thread waits and should be woken now; true once per wait. It sleeps until a
   * quarter of the history is free or nothing is ready: a wake-up per buffer would cost more than
   * the buffers. `fenced`: also notices a thread that has just begun to wait, at the cost of a
   * fence. A caller that skips the fence calls once more with it after its last release.
   */
  shouldWakeThread(fenced = true): boolean {
    if (fenced) this.#freed.fence();
    if (this.#control.peek(CONTROL.threadWaits) === 0) return false;
    // Plain loads, since this runs for every buffer while the flow thread waits. The last release
    // is followed by a fenced call.
    const ready = this.#ready.left;
    if (ready >= this.#control.peek(CONTROL.wakeBelow)) return false;
    const capacity = this.#control.peek(CONTROL.capacity);
    const free = Math.max(0, capacity - ready - this.#taken);
    if (free === 0 || (ready > 0 && free * 4 < capacity)) return false;
    return this.#control.exchange(CONTROL.threadWaits, 0) === 1;
  }

  /**
   * Whether the fill has fallen below the level that the flow thread asked to be notified of; true
   * once per request.
   */
  shouldReportFill(): boolean {
    const below = this.#control.peek(CONTROL.reportBelow);
    if (below === 0 || this.#ready.length >= below) return false;
    return this.#control.exchange(CONTROL.reportBelow, 0) !== 0;
  }

  /** Drops a segment that the other end has freed. */
  removeSegment(id: number): void {
    this.#fetchSegments();
    this.#table.remove(id);
  }

  #place(index: number): ReturnType<SegmentTable['at']> {
    // A number in the table may belong to a segment that was freed and replaced meanwhile.
    if (this.#control.peek(CONTROL.newestSegment) !== this.#newestSegment) this.#fetchSegments();
    return this.#table.at(index);
  }

  #fetchSegments(): void {
    for (let segment = this.#fetch(); segment !== undefined; segment = this.#fetch()) {
      this.#table.add(segment);
      this.#newestSegment = segment.id;
    }
  }
}
