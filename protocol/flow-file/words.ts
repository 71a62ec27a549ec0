/**
 * 64-bit words shared between processes, as JavaScript numbers (exact to 2^53) and without allocating.
 *
 * A word is two u32 halves. The writer stores the low half first, then the high one; the reader loads high, low, high
 * and starts again when the highs differ. At the one carry in 2^32 steps the reader may meet a value that is too small by 2^32,
 * never one that is too large: a counter that only grows is then simply not news yet.
 */
const TWO_32 = 4_294_967_296;

export class Words {
  readonly #u32: Uint32Array;

  /** `bytes` must begin at a multiple of 4 in its ArrayBuffer; the words stay views, nothing is copied. */
  constructor(bytes: Uint8Array) {
    this.#u32 = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
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
    Atomics.store(this.#u32, index, value % TWO_32);
    Atomics.store(this.#u32, index + 1, Math.floor(value / TWO_32));
  }

  /** Stores a value below the present one: high half first, so that a reader never meets a value that is too large. */
  lower64(byteOffset: number, value: number): void {
    const index = byteOffset >>> 2;
    Atomics.store(this.#u32, index + 1, Math.floor(value / TWO_32));
    Atomics.store(this.#u32, index, value % TWO_32);
  }

  /** Loads without ordering: for words whose visibility another word announces. */
  plain32(byteOffset: number): number {
    return this.#u32[byteOffset >>> 2] ?? 0;
  }

  plain64(byteOffset: number): number {
    const index = byteOffset >>> 2;
    return (this.#u32[index + 1] ?? 0) * TWO_32 + (this.#u32[index] ?? 0);
  }

  setPlain32(byteOffset: number, value: number): void {
    this.#u32[byteOffset >>> 2] = value;
  }

  setPlain64(byteOffset: number, value: number): void {
    const index = byteOffset >>> 2;
    this.#u32[index] = value % TWO_32;
    this.#u32[index + 1] = Math.floor(value / TWO_32);
  }
}
