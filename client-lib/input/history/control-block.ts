/**
 * The shared words of a history (the ring of buffers between a flow thread and the main thread):
 * their layout, and which thread writes each. Used by both ends of the history. All are 32-bit
 * words accessed with `Atomics`; words that a thread writes at high rate have a cache line of their
 * own.
 *
 * ```
 * byte   0 ┌────────────────────────────────────────────────────────────┐
 *          │ readyTail   flow thread: buffers ever made ready           │
 *       64 ├────────────────────────────────────────────────────────────┤
 *          │ readyHead   main thread: buffers ever taken                │
 *      128 ├────────────────────────────────────────────────────────────┤
 *          │ freeTail    main thread: buffers ever released             │
 *      192 ├────────────────────────────────────────────────────────────┤
 *          │ freeHead    flow thread: released buffers ever reused      │
 *      256 ├──────────────┬─────────────┬───────────────────────────────┤
 *          │ mainWaits    │ ended       │ both: see below               │
 *      320 ├──────────────┼─────────────┼──────────────┬────────────────┤
 *          │ threadWaits  │ wakeBelow   │ reportBelow  │ paused         │
 *      384 ├──────────────┼─────────────┼──────────────┼────────────────┤
 *          │ capacity     │ target      │ lost (u64)   │ lostReported   │
 *          │ newestSegment│ idle        │              │                │
 *      448 ├──────────────┴─────────────┴──────────────┴────────────────┤
 *          │ ready queue, free queue, states: `limit` words each        │
 *          └────────────────────────────────────────────────────────────┘
 * ```
 */
import { PLAIN_STORES_ARE_ORDERED, Words } from '../../../protocol/flow/flow-file/words.js';

const LINE_WORDS = 16;
const WORD_BYTES = 4;

/** Word indexes. Counts wrap at 2^32: only their differences are meaningful. */
export const CONTROL = {
  readyTail: 0,
  readyHead: LINE_WORDS,
  freeTail: 2 * LINE_WORDS,
  freeHead: 3 * LINE_WORDS,
  /** A value of MAIN_WAITS; the flow thread resets it to 0 when it wakes the main thread. */
  mainWaits: 4 * LINE_WORDS,
  /** 1 when no buffer will become ready any more. */
  ended: 4 * LINE_WORDS + 1,
  /**
   * 1 while the flow thread waits for room; the main thread resets it to 0 when it wakes the flow
   * thread.
   */
  threadWaits: 5 * LINE_WORDS,
  /** The flow thread is not woken before fewer buffers than this are ready. */
  wakeBelow: 5 * LINE_WORDS + 1,
  /**
   * The main thread reports when fewer buffers than this are ready, and resets it to 0 then; 0: no
   * report is requested.
   */
  reportBelow: 5 * LINE_WORDS + 2,
  /** 1 while the program has paused the flow; written by the main thread. */
  paused: 5 * LINE_WORDS + 3,
  /** Buffers in use: neither unused nor retired. */
  capacity: 6 * LINE_WORDS,
  /** While `capacity` is larger, released buffers retire. */
  target: 6 * LINE_WORDS + 1,
  lost: 6 * LINE_WORDS + 2,
  /** 1 while a `lost` message to the main thread is under way. */
  lostReported: 6 * LINE_WORDS + 4,
  /**
   * Id of the segment that the flow thread added last, stored before one of its buffers is ready.
   * Buffer numbers are reused: only this id tells the main thread that a number has new memory.
   */
  newestSegment: 6 * LINE_WORDS + 5,
  /**
   * 1 while no published buffer waits for room: the flow thread has read everything, or it reads
   * nothing. Written by the flow thread, before it wakes the main thread.
   */
  idle: 6 * LINE_WORDS + 6,
} as const;

const QUEUES = 7 * LINE_WORDS;

/**
 * How the main thread waits for buffers: not at all, in its event loop (Atomics.waitAsync on the
 * word itself, or for a message), or blocked in Atomics.wait on the word.
 */
export const MAIN_WAITS = { not: 0, eventLoop: 1, blocked: 2 } as const;

/**
 * State of a buffer. Changed by its owner alone, except ready → filling (overwrite) and ready →
 * taken or held, which are compare-and-swap.
 */
export const BUFFER = {
  /** Without memory. */
  unused: 0,
  free: 1,
  /** The flow thread writes it. */
  filling: 2,
  ready: 3,
  /** Ready, and read by the main thread without taking it: may not be overwritten. */
  held: 4,
  taken: 5,
  retired: 6,
} as const;

/**
 * Most buffers of any history; the queues are allocated for the limit of the single history.
 */
export const HISTORY_BUFFERS_MAX = 65_536;

export class ControlBlock {
  readonly memory: SharedArrayBuffer;
  /** Entries of each queue, a power of two. */
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

  /** Attaches the block of another thread. */
  static attach(memory: SharedArrayBuffer): ControlBlock {
    return new ControlBlock(memory);
  }

  load(word: number): number {
    return Atomics.load(this.int32, word);
  }

  /**
   * A load that keeps its order with other accesses, cheaper than an atomic one. Not for loops that
   * wait: the compiler may keep the value in a register.
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

  /** Written by the flow thread only. */
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

  /** Compare-and-swap. False when the state was not `from`. */
  changeState(index: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.int32, this.#stateWord(index), from, to) === from;
  }

  /**
   * Takes one buffer out of use when `capacity` is above the target; true when it did. Both threads
   * may call it: together they never go below the target.
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
