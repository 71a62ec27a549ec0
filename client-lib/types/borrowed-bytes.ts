/**
 * The type of bytes that a program may read and must not write: memory that it has borrowed from a
 * flow. Used by the buffers of input flows and by flow types; part of the public surface. Types
 * only.
 */

/**
 * A Uint8Array without what changes it. An inline flow maps the flow file read-only: a write to
 * borrowed bytes ends the process with SIGSEGV, and no exception can be caught. The `bytes` of a
 * buffer are the same memory as a Uint8Array, for APIs that take one and only read it.
 */
export interface BorrowedBytes extends Iterable<number> {
  /** Number of bytes. */
  readonly length: number;
  /** Number of bytes, the same as `length`. */
  readonly byteLength: number;
  /** Where the bytes begin in their memory. */
  readonly byteOffset: number;
  readonly [index: number]: number;
  /** The byte at an index; a negative one counts from the end. */
  at(index: number): number | undefined;
  /** A part of the same memory. */
  subarray(begin?: number, end?: number): BorrowedBytes;
  /** Whether `predicate` holds for every byte. */
  every(predicate: (byte: number, index: number) => boolean): boolean;
  /** Whether `predicate` holds for some byte. */
  some(predicate: (byte: number, index: number) => boolean): boolean;
  /** The first byte for which `predicate` holds. */
  find(predicate: (byte: number, index: number) => boolean): number | undefined;
  /** The index of that byte; -1 without one. */
  findIndex(predicate: (byte: number, index: number) => boolean): number;
  /** Calls `action` with each byte. */
  forEach(action: (byte: number, index: number) => void): void;
  /** Whether the byte is there. */
  includes(byte: number, from?: number): boolean;
  /** The first index of the byte; -1 without one. */
  indexOf(byte: number, from?: number): number;
  /** The last index of the byte; -1 without one. */
  lastIndexOf(byte: number, from?: number): number;
  /** The bytes as decimal numbers in one text; `,` between them by default. */
  join(separator?: string): string;
  /** Combines all bytes, beginning with `initial`. */
  reduce<T>(combine: (previous: T, byte: number, index: number) => T, initial: T): T;
  /** Pairs of index and byte. */
  entries(): IterableIterator<[number, number]>;
}
