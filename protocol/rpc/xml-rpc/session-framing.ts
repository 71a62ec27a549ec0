/**
 * Frames of a session, without I/O: bytes in, frames or one sticky error out.
 *
 * ```
 *  0        4        8        12
 *  +--------+--------+--------+------------------------+
 *  | length | kind   | callId | XML-RPC document       |
 *  | u32    | u32    | u32    | `length` bytes         |
 *  +--------+--------+--------+------------------------+
 * ```
 * Little-endian. kind 1 is a call, whose id the caller chooses; kind 2 is the response to the call
 * of that id.
 */
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';

const LENGTH_AT = 0;
const KIND_AT = 4;
const CALL_ID_AT = 8;
export const FRAME_HEADER_BYTES = 12;

export const FRAME_KIND = { call: 1, response: 2 } as const;

/**
 * First room for a body that arrives in pieces; doubled as it fills, so that memory follows what
 * has arrived.
 */
const FIRST_ROOM_BYTES = 4096;

export interface Frame {
  readonly kind: keyof typeof FRAME_KIND;
  readonly callId: number;
  /** May be a view of the chunk that was pushed: to be read before that is used again. */
  readonly body: Uint8Array;
}

export function encodeFrame(kind: keyof typeof FRAME_KIND, callId: number, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + body.length);
  frame.writeUInt32LE(body.length, LENGTH_AT);
  frame.writeUInt32LE(FRAME_KIND[kind], KIND_AT);
  frame.writeUInt32LE(callId, CALL_ID_AT);
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

  /** `limitBytes` is the largest body taken. */
  constructor(limitBytes: number = LIMITS.rpcBodyBytes) {
    this.#limitBytes = limitBytes;
  }

  /** BAD_MESSAGE or TOO_LARGE from the first wrong header on; nothing is read any more. */
  get error(): MirrorflowError | undefined {
    return this.#error;
  }

  /** Whether a frame has begun and is not complete. */
  get partial(): boolean {
    return this.#headerFilled > 0;
  }

  /** Takes the next bytes; returns the frames that are complete with them. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let at = 0;
    while (at < chunk.length && this.#error === undefined) {
      if (this.#header === undefined) at = this.#takeHeader(chunk, at);
      if (this.#header === undefined) continue;
      const { kind, callId, length } = this.#header;
      const available = Math.min(length - this.#bodyFilled, chunk.length - at);
      if (available === length) {
        frames.push({ kind, callId, body: chunk.subarray(at, at + length) });
        this.#next();
      } else {
        this.#keep(chunk.subarray(at, at + available), length);
        if (this.#bodyFilled === length) {
          frames.push({ kind, callId, body: this.#body.subarray(0, length) });
          this.#next();
        }
      }
      at += available;
    }
    return frames;
  }

  #takeHeader(chunk: Uint8Array, from: number): number {
    const to = Math.min(chunk.length, from + FRAME_HEADER_BYTES - this.#headerFilled);
    this.#headerBytes.set(chunk.subarray(from, to), this.#headerFilled);
    this.#headerFilled += to - from;
    if (this.#headerFilled === FRAME_HEADER_BYTES) this.#readHeader();
    return to;
  }

  #readHeader(): void {
    const length = this.#headerBytes.readUInt32LE(LENGTH_AT);
    const kind = this.#headerBytes.readUInt32LE(KIND_AT);
    const callId = this.#headerBytes.readUInt32LE(CALL_ID_AT);
    if ((kind !== FRAME_KIND.call && kind !== FRAME_KIND.response) || length === 0) {
      this.#error = new MirrorflowError(
        'BAD_MESSAGE',
        `not a frame of a session: kind ${kind} with ${length} bytes`,
        { kind, length },
      );
    } else if (length > this.#limitBytes) {
      this.#error = new MirrorflowError(
        'TOO_LARGE',
        `a frame of ${length} bytes; at most ${this.#limitBytes} are taken`,
        { length, limitBytes: this.#limitBytes },
      );
    } else {
      this.#header = { kind: kind === FRAME_KIND.call ? 'call' : 'response', callId, length };
    }
  }

  #keep(bytes: Uint8Array, length: number): void {
    const needed = this.#bodyFilled + bytes.length;
    if (needed > this.#body.length) {
      const grown = new Uint8Array(
        Math.min(length, Math.max(needed, this.#body.length * 2, FIRST_ROOM_BYTES)),
      );
      grown.set(this.#body.subarray(0, this.#bodyFilled));
      this.#body = grown;
    }
    this.#body.set(bytes, this.#bodyFilled);
    this.#bodyFilled = needed;
  }

  #next(): void {
    this.#header = undefined;
    this.#headerFilled = 0;
    this.#body = new Uint8Array(0);
    this.#bodyFilled = 0;
  }
}
