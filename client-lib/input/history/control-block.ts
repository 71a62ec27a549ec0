/**
 * The shared words of a history: where they stand, and who writes each. All are 32-bit words used
 * with `Atomics`; what two threads write at high rate stands on cache lines of its own.
 *
 * ```
 * byte   0 ┌────────────────────────────────────────────────────────────┐
 *          │ readyTail   flow thread: buffers ever made ready           │
 *       64 ├────────────────────────────────────────────────────────────┤
 *          │ readyHead   main thread: buffers ever taken                │
 *      128 ├────────────────────────────────────────────────────────────┤
 *          │ freeTail    main thread: buffers ever given back           │
 *      192 ├────────────────────────────────────────────────────────────┤
 *          │ freeHead    flow thread: buffers ever got back             │
 *      256 ├──────────────┬─────────────┬───────────────────────────────┤
 *          │ mainWaits    │ ended       │ both: see below               │
 *      320 ├──────────────┼─────────────┼──────────────┬────────────────┤
 *          │ threadWaits  │ wakeBelow   │ lookBelow    │ held           │
 *      384 ├──────────────┼─────────────┼──────────────┼────────────────┤
 *          │ capacity     │ target      │ lost (u64)   │ lostTold       │
 *      448 ├──────────────┴─────────────┴──────────────┴────────────────┤
 *          │ ready queue, free queue, states: `limit` words each        │
 *          └────────────────────────────────────────────────────────────┘
 * ```
 */
import { PLAIN_STORES_ARE_ORDERED, Words } from '../../../protocol/flow/flow-file/words.js';

const LINE_WORDS = 16;
const WORD_BYTES = 4;

/** Indexes of the words. Counts wrap at 2^32, so only their differences mean something. */
export const CONTROL = {
  readyTail: 0,
  readyHead: LINE_WORDS,
  freeTail: 2 * LINE_WORDS,
  freeHead: 3 * LINE_WORDS,
  /** A value of MAIN_WAITS; the thread takes it back to 0 when it wakes the main thread. */
  mainWaits: 4 * LINE_WORDS,
  /** 1 when nothing more will be added. */
  ended: 4 * LINE_WORDS + 1,
  /**
   * 1 while the flow thread waits for room; the main thread takes it back to 0 when it wakes the
   * flow thread.
   */
  threadWaits: 5 * LINE_WORDS,
  /** The flow thread waits until fewer buffers than this are ready. */
  wakeBelow: 5 * LINE_WORDS + 1,
  /**
   * The flow thread wants to be told when fewer buffers than this are ready; the main thread takes
   * it back to 0 when it tells.
   */
  reportBelow: 5 * LINE_WORDS + 2,
  /** 1 while the flow is paused by its user; the main thread's. */
  paused: 5 * LINE_WORDS + 3,
  /** Buffers that are in use: neither unused nor retired. */
  capacity: 6 * LINE_WORDS,
  /** While `capacity` is larger, buffers that come back retire. */
  target: 6 * LINE_WORDS + 1,
  lost: 6 * LINE_WORDS + 2,
  /** 1 while the main thread has been told of losses and has not looked yet. */
  lostReported: 6 * LINE_WORDS + 4,
} as const;

const QUEUES = 7 * LINE_WORDS;

/** How the main thread waits: not at all, for a message, or in Atomics.wait on the word itself. */
export const MAIN_WAITS = { not: 0, message: 1, futex: 2 } as const;

/**
 * What a buffer is doing. Changed by its owner alone, but for ready → filling (overwrite) and ready
 * → taken or held: compare-and-swap.
 */
export const BUFFER = {
  /** No memory yet, or no more. */
  unused: 0,
  free: 1,
  /** The flow thread writes it. */
  filling: 2,
  ready: 3,
  /** Ready, and the main thread looks at it: may not be overwritten. */
  held: 4,
  taken: 5,
  retired: 6,
} as const;

/**
 * Most buffers that any history can have: the queues are made for the history's own limit, which is
 * at most this.
 */
export const HISTORY_BUFFERS_MAX = 65_536;

export class ControlBlock {
  readonly memory: SharedArrayBuffer;
  /** Power of two: the entries of each queue. */
  readonly limit: number;
  readonly int32: Int32Array;
  readonly words: Words;

  private constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.limit = (memory.byteLength / WORD_BYTES - QUEUES) / 3;
    this.int32 = new Int32Array(memory);
    this.words = new Words(new Uint8Array(memory));
  }

  /** For histories of up to `buffers`, 1 to HISTORY_BUFFERS_MAX. */
  static create(buffers: number): ControlBlock {
    const limit = 2 ** Math.ceil(Math.log2(Math.max(1, buffers)));
    return new ControlBlock(new SharedArrayBuffer((QUEUES + 3 * limit) * WORD_BYTES));
  }

  /** The same block in another thread. */
  static attach(memory: SharedArrayBuffer): ControlBlock {
    return new ControlBlock(memory);
  }

  load(word: number): number {
    return Atomics.load(this.int32, word);
  }

  /**
   * A load in order with those around it and without the cost of an atomic one; never in a loop
   * that waits.
   */
  peek(word: number): number {
    return PLAIN_STORES_ARE_ORDERED ? (this.int32[word] ?? 0) : Atomics.load(this.int32, word);
  }

  store(word: number, value: number): void {
    Atomics.store(this.int32, word, value);
  }

  exchange(word: number, value: number): number {
    return Atomics.exchange(this.int32, word, value);
  }

  get lost(): number {
    return this.words.load64(CONTROL.lost * WORD_BYTES);
  }

  /** Flow thread only. */
  set lost(value: number) {
    this.words.store64(CONTROL.lost * WORD_BYTES, value);
  }

  state(index: number): number {
    return this.peek(this.#stateWord(index));
  }

  setState(index: number, state: number): void {
    if (PLAIN_STORES_ARE_ORDERED) this.int32[this.#stateWord(index)] = state;
    else Atomics.store(this.int32, this.#stateWord(index), state);
  }

  /** Compare-and-swap: false when the state was not `from`. */
  changeState(index: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.int32, this.#stateWord(index), from, to) === from;
  }

  /**
   * Takes one buffer out of use when there are more than the target. Both threads may try; together
   * they never go below it.
   */
  retireOne(): boolean {
    for (;;) {
      const capacity = this.peek(CONTROL.capacity);
      if (capacity <= this.peek(CONTROL.target)) return false;
      if (Atomics.compareExchange(this.int32, CONTROL.capacity, capacity, capacity - 1) === capacity)
        return true;
    }
  }

  addCapacity(buffers: number): void {
    Atomics.add(this.int32, CONTROL.capacity, buffers);
  }

  /** First word of the ready queue's entries. */
  get readyEntries(): number {
    return QUEUES;
  }

  get freeEntries(): number {
    return QUEUES + this.limit;
  }

  #stateWord(index: number): number {
    return QUEUES + 2 * this.limit + index;
  }
}
