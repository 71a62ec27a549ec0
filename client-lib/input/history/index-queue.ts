/**
 * A lock-free queue of buffer numbers between two threads: one end pushes, the other takes. Used
 * for the ready and the free buffers of a history. Each end has its own object over the same shared
 * words and caches the other end's count, so that a word of the other thread is loaded only when
 * the cached count is used up. Pure memory access, no I/O.
 *
 * Where the processor keeps plain stores in order, the counts are stored plainly: an entry is
 * visible before its count. A thread that checks after a push whether the other one sleeps needs
 * `fence` between the two.
 */
import { PLAIN_STORES_ARE_ORDERED } from '../../../protocol/flow/flow-file/words.js';

export class IndexQueue {
  readonly #words: Int32Array;
  readonly #head: number;
  readonly #tail: number;
  readonly #entries: number;
  readonly #mask: number;
  /** The tail: exact at the pushing end, cached at the taking end. */
  #cachedTail = 0;
  /** The head of the taking end. */
  #takenHead = 0;

  /**
   * @param words shared words; `head`, `tail`: indexes of the counts; `entries`: index of the first
   *   entry
   * @param capacity entries, a power of two; at least the number of buffers, so a push has room
   */
  constructor(words: Int32Array, head: number, tail: number, entries: number, capacity: number) {
    this.#words = words;
    this.#head = head;
    this.#tail = tail;
    this.#entries = entries;
    this.#mask = capacity - 1;
    this.#cachedTail = Atomics.load(words, tail);
    this.#takenHead = Atomics.load(words, head);
  }

  /** Entries now; valid at either end. */
  get length(): number {
    return (Atomics.load(this.#words, this.#tail) - Atomics.load(this.#words, this.#head)) >>> 0;
  }

  /**
   * Taking end only: entries now, loaded without a fence, so that the other end may have pushed
   * more.
   */
  get left(): number {
    if (!PLAIN_STORES_ARE_ORDERED) return this.length;
    return ((this.#words[this.#tail] ?? 0) - this.#takenHead) >>> 0;
  }

  /** Pushing end only. */
  push(index: number): void {
    this.#words[this.#entries + (this.#cachedTail & this.#mask)] = index;
    this.#cachedTail = (this.#cachedTail + 1) | 0;
    if (PLAIN_STORES_ARE_ORDERED) this.#words[this.#tail] = this.#cachedTail;
    else Atomics.store(this.#words, this.#tail, this.#cachedTail);
  }

  /**
   * Pushing end only: makes earlier pushes visible to the other thread before any later load of
   * this thread.
   */
  fence(): void {
    Atomics.store(this.#words, this.#tail, this.#cachedTail);
  }

  /** Taking end only: the oldest entry; -1 when the queue is empty. */
  peek(): number {
    if (this.#takenHead === this.#cachedTail) {
      this.#cachedTail = PLAIN_STORES_ARE_ORDERED
        ? (this.#words[this.#tail] ?? 0)
        : Atomics.load(this.#words, this.#tail);
      if (this.#takenHead === this.#cachedTail) return -1;
    }
    return this.#words[this.#entries + (this.#takenHead & this.#mask)] ?? -1;
  }

  /** Taking end only: removes the entry that `peek` returned. */
  advance(): void {
    this.#takenHead = (this.#takenHead + 1) | 0;
    if (PLAIN_STORES_ARE_ORDERED) this.#words[this.#head] = this.#takenHead;
    else Atomics.store(this.#words, this.#head, this.#takenHead);
  }

  /**
   * Taking end only: the entry `back` places before the end, 0 the newest; -1 when there is none.
   */
  newest(back: number): number {
    this.#cachedTail = Atomics.load(this.#words, this.#tail);
    if (back >= (this.#cachedTail - this.#takenHead) >>> 0) return -1;
    return this.#words[this.#entries + ((this.#cachedTail - 1 - back) & this.#mask)] ?? -1;
  }
}
