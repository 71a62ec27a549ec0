/**
 * 64-bit words shared between processes, as JavaScript numbers (exact to 2^53) and without
 * allocating.
 *
 * A word is two u32 halves. The writer stores the low half first, then the high one; the reader
 * loads high, low, high and starts again when the highs differ. At the one carry in 2^32 steps the
 * reader may meet a value that is too small by 2^32, never one that is too large: a counter that
 * only grows is then simply not news yet.
 *
 * `Atomics` is a call of some 10 ns where a plain access is part of one instruction, and a slot
 * needs a dozen of them. The functions for what is done with every slot therefore use plain
 * accesses on x86-64, which keeps loads among loads and stores among stores in the order of the
 * program (and so does the compiler of Node 20, which neither moves nor saves a load of a typed
 * array); elsewhere they are atomic like the others.
 */
import { memoryAccess } from './memory-order.js';

const TWO_32 = 4_294_967_296;
/**
 * Whether plain accesses are seen by other threads and processes in the order of the program, but
 * for loads that overtake stores.
 */
export const PLAIN_STORES_ARE_ORDERED = memoryAccess() === 'plain';

/**
 * The halves of a word's value, as signed integers: what is compared and stored without becoming a
 * double.
 */
export const lowHalf = (value: number): number => value | 0;
export const highHalf = (value: number): number => (value / TWO_32) | 0;

export class Words {
  readonly #u32: Uint32Array;
  readonly #i32: Int32Array;

  /**
   * `bytes` must begin at a multiple of 4 in its ArrayBuffer; the words stay views, nothing is
   * copied.
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

  /** Loads a word that another process may be storing. */
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
   * As `load64`, in order with the loads around it but without the cost of a fence: for what is
   * looked at with every slot, never in a loop that waits.
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
   * Whether the word is the value with these halves, in order with the loads around it. Halves are
   * compared without becoming a double, and who asks for one value after the other has them without
   * dividing.
   */
  holdsHalves(byteOffset: number, low: number, high: number): boolean {
    const words = this.#i32;
    const index = byteOffset >> 2;
    if (PLAIN_STORES_ARE_ORDERED) return words[index] === low && words[index + 1] === high;
    return this.load64(byteOffset) === (high >>> 0) * TWO_32 + (low >>> 0);
  }

  /**
   * Stores 0 over a slot's sequence; nothing that is loaded or stored after it in the program
   * happens before it.
   */
  clear64(byteOffset: number): void {
    const index = byteOffset >>> 2;
    this.#u32[index + 1] = 0;
    Atomics.store(this.#u32, index, 0);
  }

  /**
   * Stores over 0: whoever finds the value finds everything that was stored before it. The high
   * half goes first, so that the low one completes it.
   */
  complete64(byteOffset: number, value: number): void {
    this.completeHalves(byteOffset, lowHalf(value), highHalf(value));
  }

  /** As `complete64`, of a value whose halves are known as signed integers. */
  completeHalves(byteOffset: number, low: number, high: number): void {
    const words = this.#i32;
    const index = byteOffset >>> 2;
    words[index + 1] = high;
    if (PLAIN_STORES_ARE_ORDERED) words[index] = low;
    else Atomics.store(words, index, low);
  }

  /**
   * Stores a value below the present one: high half first, so that a reader never meets a value
   * that is too large.
   */
  lower64(byteOffset: number, value: number): void {
    const index = byteOffset >>> 2;
    Atomics.store(this.#u32, index + 1, Math.floor(value / TWO_32));
    Atomics.store(this.#u32, index, value >>> 0);
  }

  /** Loads without ordering: for words whose visibility another word announces. */
  plain32(byteOffset: number): number {
    return this.#u32[byteOffset >>> 2] ?? 0;
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
