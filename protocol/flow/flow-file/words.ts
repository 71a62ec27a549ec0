/**
 * 32- and 64-bit words in memory that processes or threads share, as JavaScript numbers (exact to
 * 2^53), read and written without allocating. Used by the flow file and by the histories that a
 * client's threads share. Touches only the bytes that it is given.
 *
 * A 64-bit word is two u32 halves. The writer stores the low half first, then the high half; the
 * reader loads high, low, high and repeats when the two high halves differ. At a carry, once in
 * 2^32 steps, a reader may load a value that is too small by 2^32, never one that is too large: a
 * count that only grows then looks as if it had not grown yet.
 *
 * `Atomics` costs a call of some 10 ns where a plain access is part of one instruction, and a slot
 * needs a dozen accesses. The functions that run for every slot therefore use plain accesses on
 * x86-64, which keeps loads ordered among loads and stores among stores (as does the compiler of
 * Node 20, which neither moves nor caches a load of a typed array); elsewhere they are atomic like
 * the others. Each function stays small enough to be inlined.
 */
import { memoryAccess } from './memory-order.js';

const TWO_32 = 4_294_967_296;
/**
 * Whether other threads and processes see plain accesses in program order, except loads that
 * overtake stores.
 */
export const PLAIN_STORES_ARE_ORDERED = memoryAccess() === 'plain';

/**
 * The halves of a word's value as signed integers, which the compiler compares and stores without
 * converting them to doubles.
 */
export const lowHalf = (value: number): number => value | 0;
export const highHalf = (value: number): number => (value / TWO_32) | 0;
/** The value of these halves. */
export const joinHalves = (low: number, high: number): number => (high >>> 0) * TWO_32 + (low >>> 0);

/** No other thread uses this word: storing to it orders the accesses around it. */
const FENCE = new Int32Array(1);

export class Words {
  readonly #u32: Uint32Array;
  readonly #i32: Int32Array;

  /**
   * `bytes` must start at a multiple of 4 in its ArrayBuffer. The words are views of these bytes:
   * the caller keeps them mapped.
   */
  constructor(bytes: Uint8Array) {
    this.#u32 = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
    this.#i32 = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
  }

  load32(byteOffset: number): number {
    return Atomics.load(this.#u32, byteOffset >>> 2);
  }

  store32(byteOffset: number, value: number): void {
    Atomics.store(this.#u32, byteOffset >>> 2, value >>> 0);
  }

  /** Loads a word that another process may be storing at the same time. */
  load64(byteOffset: number): number {
    const index = byteOffset >>> 2;
    for (;;) {
      const high = Atomics.load(this.#u32, index + 1);
      const low = Atomics.load(this.#u32, index);
      if (Atomics.load(this.#u32, index + 1) === high) return high * TWO_32 + low;
    }
  }

  store64(byteOffset: number, value: number): void {
    const index = byteOffset >>> 2;
    Atomics.store(this.#u32, index, value >>> 0);
    Atomics.store(this.#u32, index + 1, Math.floor(value / TWO_32));
  }

  /**
   * As `load64`, ordered with the loads around it, without the cost of a fence. For loads that
   * happen with every slot, never in a loop that waits.
   */
  peek64(byteOffset: number): number {
    if (!PLAIN_STORES_ARE_ORDERED) return this.load64(byteOffset);
    const words = this.#u32;
    const index = byteOffset >>> 2;
    for (;;) {
      const high = words[index + 1] ?? 0;
      const low = words[index] ?? 0;
      if (words[index + 1] === high) return high * TWO_32 + low;
    }
  }

  /**
   * Whether the word has these halves, ordered with the loads around it. Comparing halves avoids
   * doubles, and a caller that compares consecutive values derives the halves without dividing.
   */
  holdsHalves(byteOffset: number, low: number, high: number): boolean {
    const words = this.#i32;
    const index = byteOffset >> 2;
    if (PLAIN_STORES_ARE_ORDERED) return words[index] === low && words[index + 1] === high;
    return this.load64(byteOffset) === joinHalves(low, high);
  }

  /**
   * Stores 0 over a slot's sequence word, before all later stores. The high half is stored first: a
   * reader never takes the half-cleared word for another sequence.
   */
  clear64(byteOffset: number): void {
    const words = this.#i32;
    const index = byteOffset >>> 2;
    words[index + 1] = 0;
    if (PLAIN_STORES_ARE_ORDERED) words[index] = 0;
    else {
      Atomics.store(words, index, 0);
      Atomics.load(words, index); // a store, then a load: what follows happens after both
    }
  }

  /**
   * Before the next load by `load64` or `holdsHalves`, all earlier loads are done. Costs nothing
   * where loads stay in order among each other.
   */
  fenceLoads(): void {
    // A store waits for the loads before it, an atomic load for the atomic stores before it.
    if (!PLAIN_STORES_ARE_ORDERED) Atomics.store(FENCE, 0, 0);
  }

  /**
   * Stores over 0, as a release: a reader that loads the value sees everything stored before it.
   * The high half is stored first, so that the low half completes the value.
   */
  complete64(byteOffset: number, value: number): void {
    this.completeHalves(byteOffset, lowHalf(value), highHalf(value));
  }

  /** As `complete64`, for a value given as signed halves. */
  completeHalves(byteOffset: number, low: number, high: number): void {
    const words = this.#i32;
    const index = byteOffset >>> 2;
    words[index + 1] = high;
    if (PLAIN_STORES_ARE_ORDERED) words[index] = low;
    else Atomics.store(words, index, low);
  }

  /**
   * Stores a value below the present one: high half first, so that a reader never loads a value
   * that is too large.
   */
  lower64(byteOffset: number, value: number): void {
    const index = byteOffset >>> 2;
    Atomics.store(this.#u32, index + 1, Math.floor(value / TWO_32));
    Atomics.store(this.#u32, index, value >>> 0);
  }

  /**
   * Replaces `before` by `value` in one step; false when the word is not `before`. The word must be
   * at a multiple of 8 in its ArrayBuffer.
   */
  exchange64(byteOffset: number, before: number, value: number): boolean {
    const word = new BigUint64Array(this.#u32.buffer, this.#u32.byteOffset + byteOffset, 1);
    return Atomics.compareExchange(word, 0, BigInt(before), BigInt(value)) === BigInt(before);
  }

  /** Loads without ordering, for words that another word publishes. */
  plain32(byteOffset: number): number {
    return this.#u32[byteOffset >>> 2] ?? 0;
  }

  /** As `plain32`, as a signed integer. */
  plainHalf(byteOffset: number): number {
    return this.#i32[byteOffset >>> 2] ?? 0;
  }

  plain64(byteOffset: number): number {
    const words = this.#u32;
    const index = byteOffset >>> 2;
    return (words[index + 1] ?? 0) * TWO_32 + (words[index] ?? 0);
  }

  setPlain32(byteOffset: number, value: number): void {
    this.#u32[byteOffset >>> 2] = value;
  }

  setPlain64(byteOffset: number, value: number): void {
    this.setPlainHalves(byteOffset, lowHalf(value), highHalf(value));
  }

  setPlainHalves(byteOffset: number, low: number, high: number): void {
    const words = this.#i32;
    const index = byteOffset >>> 2;
    words[index] = low;
    words[index + 1] = high;
  }
}
