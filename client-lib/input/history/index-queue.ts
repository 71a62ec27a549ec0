/**
 * A queue of buffer numbers between two threads without locks: one end pushes, the other takes.
 * Each end makes its own object and keeps a private copy of the other end's count, so that a word
 * of the other thread is loaded only when the copy is used up.
 *
 * Where plain accesses keep their order the counts are plain: the entry is there before the count
 * says so. Only who looks afterwards whether the other thread sleeps needs its pushes to be seen
 * before that: `settle`.
 */
import { PLAIN_STORES_ARE_ORDERED } from '../../../protocol/flow/flow-file/words.js';

export class IndexQueue {
  readonly #words: Int32Array;
  readonly #head: number;
  readonly #tail: number;
  readonly #entries: number;
  readonly #mask: number;
  /** The pushing end's own tail, the taking end's last look at it. */
  #knownTail: number;
  #ownHead: number;

  /**
   * @param words shared words; `head`, `tail`: indexes of the counts; `entries`: index of the first entry
   * @param capacity entries, a power of two; never more numbers exist than this, so a push always has room
   */
  constructor(words: Int32Array, head: number, tail: number, entries: number, capacity: number) {
    this.#words = words;
    this.#head = head;
    this.#tail = tail;
    this.#entries = entries;
    this.#mask = capacity - 1;
    this.#knownTail = Atomics.load(words, tail);
    this.#ownHead = Atomics.load(words, head);
  }

  /** Entries now, seen from either end. */
  get length(): number {
    return (Atomics.load(this.#words, this.#tail) - Atomics.load(this.#words, this.#head)) >>> 0;
  }

  /** Pushing end only. */
  push(index: number): void {
    this.#words[this.#entries + (this.#knownTail & this.#mask)] = index;
    this.#knownTail = (this.#knownTail + 1) | 0;
    if (PLAIN_STORES_ARE_ORDERED) this.#words[this.#tail] = this.#knownTail;
    else Atomics.store(this.#words, this.#tail, this.#knownTail);
  }

  /**
   * Pushing end only: what was pushed is seen by the other thread before this one loads anything
   * more.
   */
  fence(): void {
    Atomics.store(this.#words, this.#tail, this.#knownTail);
  }

  /** Taking end only: the oldest entry, -1 when there is none. */
  peek(): number {
    if (this.#ownHead === this.#knownTail) {
      this.#knownTail = PLAIN_STORES_ARE_ORDERED
        ? (this.#words[this.#tail] ?? 0)
        : Atomics.load(this.#words, this.#tail);
      if (this.#ownHead === this.#knownTail) return -1;
    }
    return this.#words[this.#entries + (this.#ownHead & this.#mask)] ?? -1;
  }

  /** Taking end only: removes what `peek` gave. */
  advance(): void {
    this.#ownHead = (this.#ownHead + 1) | 0;
    if (PLAIN_STORES_ARE_ORDERED) this.#words[this.#head] = this.#ownHead;
    else Atomics.store(this.#words, this.#head, this.#ownHead);
  }

  /**
   * Taking end only: the entry `back` places before the end, 0 the newest; -1 when there is none.
   */
  newest(back: number): number {
    this.#knownTail = Atomics.load(this.#words, this.#tail);
    if (back >= (this.#knownTail - this.#ownHead) >>> 0) return -1;
    return this.#words[this.#entries + ((this.#knownTail - 1 - back) & this.#mask)] ?? -1;
  }
}
