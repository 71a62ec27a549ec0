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
  readonly length: number;
  readonly byteLength: number;
  readonly byteOffset: number;
  readonly [index: number]: number;
  at(index: number): number | undefined;
  /** A part of the same memory. */
  subarray(begin?: number, end?: number): BorrowedBytes;
  every(predicate: (byte: number, index: number) => boolean): boolean;
  some(predicate: (byte: number, index: number) => boolean): boolean;
  find(predicate: (byte: number, index: number) => boolean): number | undefined;
  findIndex(predicate: (byte: number, index: number) => boolean): number;
  forEach(action: (byte: number, index: number) => void): void;
  includes(byte: number, from?: number): boolean;
  indexOf(byte: number, from?: number): number;
  lastIndexOf(byte: number, from?: number): number;
  join(separator?: string): string;
  reduce<T>(combine: (previous: T, byte: number, index: number) => T, initial: T): T;
  entries(): IterableIterator<[number, number]>;
}
