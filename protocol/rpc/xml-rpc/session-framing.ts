/**
 * The frames in which a session sends its XML-RPC documents. Pure: takes bytes, returns frames or
 * one permanent error; the session does the I/O.
 *
 * ```
 *  0        4        8        12
 *  +--------+--------+--------+------------------------+
 *  | length | kind   | callId | XML-RPC document       |
 *  | u32    | u32    | u32    | `length` bytes         |
 *  +--------+--------+--------+------------------------+
 * ```
 * Little-endian. Kind 1 is a call, whose id the caller chooses; kind 2 is the response to the call
 * with the same id.
 */
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';

const LENGTH_OFFSET = 0;
const KIND_OFFSET = 4;
const CALL_ID_OFFSET = 8;
export const FRAME_HEADER_BYTES = 12;

export const FRAME_KIND = { call: 1, response: 2 } as const;

/**
 * Initial buffer for a body that arrives in pieces; doubled when it is full, so that a large length
 * in a header alone allocates nothing.
 */
const INITIAL_BODY_BYTES = 4096;

export interface Frame {
  readonly kind: keyof typeof FRAME_KIND;
  readonly callId: number;
  /** May be a view of the pushed chunk: read it before the chunk is reused. */
  readonly body: Uint8Array;
}

export function encodeFrame(kind: keyof typeof FRAME_KIND, callId: number, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + body.length);
  frame.writeUInt32LE(body.length, LENGTH_OFFSET);
  frame.writeUInt32LE(FRAME_KIND[kind], KIND_OFFSET);
  frame.writeUInt32LE(callId, CALL_ID_OFFSET);
  frame.set(body, FRAME_HEADER_BYTES);
  return frame;
}

interface Header {
  readonly kind: keyof typeof FRAME_KIND;
  readonly callId: number;
  readonly length: number;
}

export class FrameReader {
  readonly #limitBytes: number;
  readonly #headerBytes = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerFilled = 0;
  #header: Header | undefined;
  #body: Uint8Array = new Uint8Array(0);
  #bodyFilled = 0;
  #error: MirrorflowError | undefined;

  /** `limitBytes`: the largest accepted body. */
  constructor(limitBytes: number = LIMITS.rpcBodyBytes) {
    this.#limitBytes = limitBytes;
  }

  /** BAD_MESSAGE or TOO_LARGE from the first wrong header on; later bytes are ignored. */
  get error(): MirrorflowError | undefined {
    return this.#error;
  }

  /** Whether a frame is incomplete. */
  get partial(): boolean {
    return this.#headerFilled > 0;
  }

  /** Takes the next bytes and returns the frames that they complete. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let offset = 0;
    while (offset < chunk.length && this.#error === undefined) {
      if (this.#header === undefined) offset = this.#appendToHeader(chunk, offset);
      if (this.#header === undefined) continue;
      const { kind, callId, length } = this.#header;
      const available = Math.min(length - this.#bodyFilled, chunk.length - offset);
      if (available === length) {
        frames.push({ kind, callId, body: chunk.subarray(offset, offset + length) });
        this.#reset();
      } else {
        this.#appendToBody(chunk.subarray(offset, offset + available), length);
        if (this.#bodyFilled === length) {
          frames.push({ kind, callId, body: this.#body.subarray(0, length) });
          this.#reset();
        }
      }
      offset += available;
    }
    return frames;
  }

  /** Returns the offset of the first byte after the header, or the end of the chunk. */
  #appendToHeader(chunk: Uint8Array, start: number): number {
    const end = Math.min(chunk.length, start + FRAME_HEADER_BYTES - this.#headerFilled);
    this.#headerBytes.set(chunk.subarray(start, end), this.#headerFilled);
    this.#headerFilled += end - start;
    if (this.#headerFilled === FRAME_HEADER_BYTES) this.#parseHeader();
    return end;
  }

  #parseHeader(): void {
    const length = this.#headerBytes.readUInt32LE(LENGTH_OFFSET);
    const kind = this.#headerBytes.readUInt32LE(KIND_OFFSET);
    const callId = this.#headerBytes.readUInt32LE(CALL_ID_OFFSET);
    if ((kind !== FRAME_KIND.call && kind !== FRAME_KIND.response) || length === 0) {
      this.#error = new MirrorflowError(
        'BAD_MESSAGE',
        `not a session frame: kind ${kind} with ${length} bytes`,
        { kind, length },
      );
    } else if (length > this.#limitBytes) {
      this.#error = new MirrorflowError(
        'TOO_LARGE',
        `a frame of ${length} bytes is too large; a message has at most ${this.#limitBytes} bytes`,
        { length, limitBytes: this.#limitBytes },
      );
    } else {
      this.#header = { kind: kind === FRAME_KIND.call ? 'call' : 'response', callId, length };
    }
  }

  #appendToBody(bytes: Uint8Array, length: number): void {
    const needed = this.#bodyFilled + bytes.length;
    if (needed > this.#body.length) {
      const grown = new Uint8Array(
        Math.min(length, Math.max(needed, this.#body.length * 2, INITIAL_BODY_BYTES)),
      );
      grown.set(this.#body.subarray(0, this.#bodyFilled));
      this.#body = grown;
    }
    this.#body.set(bytes, this.#bodyFilled);
    this.#bodyFilled = needed;
  }

  #reset(): void {
    this.#header = undefined;
    this.#headerFilled = 0;
    this.#body = new Uint8Array(0);
    this.#bodyFilled = 0;
  }
}
