/**
 * Collects whole records (records.ts) from bytes that arrive in pieces. Used by sessions between
 * host servers and by the handshake between duplicators. Pure; memory grows with the bytes that
 * have arrived, up to one record of the permitted length and one chunk.
 */
import {
  CHANGED_RECORD,
  lengthProblem,
  MAC_BYTES,
  RECORD_HEAD_BYTES,
  type RecordVerifier,
} from './records.js';

const INITIAL_BYTES = 4_096;

export class RecordReader {
  readonly #verifier: RecordVerifier;
  readonly #limitBytes: number;
  #bytes: Buffer = Buffer.alloc(0);
  /** Received bytes that no record was made of yet: [start, end) of `#bytes`. */
  #start = 0;
  #end = 0;
  #problem: string | undefined;

  /** `limitBytes`: longest content of a record. */
  constructor(verifier: RecordVerifier, limitBytes: number) {
    this.#verifier = verifier;
    this.#limitBytes = limitBytes;
  }

  /** The reason why no further record is read; undefined before. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Whether a record is incomplete. */
  get partial(): boolean {
    return this.#end > this.#start;
  }

  /** The bytes behind the last record. */
  get rest(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  push(chunk: Uint8Array): void {
    const waiting = this.rest;
    const needed = waiting.length + chunk.length;
    if (needed > this.#bytes.length || waiting.length === 0) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(needed, 2 * waiting.length, INITIAL_BYTES));
    }
    waiting.copy(this.#bytes, 0);
    this.#bytes.set(chunk, waiting.length);
    this.#start = 0;
    this.#end = needed;
  }

  /** The content of the next complete record, valid until the next `push`. */
  next(): Buffer | undefined {
    const { rest } = this;
    if (this.#problem !== undefined || rest.length < RECORD_HEAD_BYTES) return undefined;
    const length = rest.readUInt32LE(0);
    this.#problem = lengthProblem(length, this.#limitBytes);
    const macAt = RECORD_HEAD_BYTES + length;
    if (this.#problem !== undefined || rest.length < macAt + MAC_BYTES) return undefined;
    const content = rest.subarray(RECORD_HEAD_BYTES, macAt);
    const head = rest.subarray(0, RECORD_HEAD_BYTES);
    if (!this.#verifier.verify(head, [content], rest.subarray(macAt, macAt + MAC_BYTES))) {
      this.#problem = CHANGED_RECORD;
      return undefined;
    }
    this.#start += macAt + MAC_BYTES;
    return content;
  }
}
