/**
 * Borrowed buffers and slots in memory of the test, so that codecs can be tested without a flow.
 * Used by the tests of flow types. Pure.
 */
import { MirrorflowError } from '../../../protocol/base/errors.js';
import type { BorrowedBytes, FlowType, Layer } from 'mirrorflow';

export class BorrowedLayer implements Layer {
  readonly sequence = 3;
  readonly epoch = 1;
  readonly timestampNs = 1000;
  readonly flags = 0;
  readonly size: number;
  released = false;
  valid = true;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.size = bytes.length;
  }

  get data(): BorrowedBytes {
    return this.bytes;
  }

  get bytes(): Uint8Array {
    if (!this.released) return this.#bytes;
    throw new MirrorflowError('CLOSED', 'buffer 3 was released', { sequence: 3 });
  }

  stillValid(): boolean {
    return this.valid && !this.released;
  }

  release(): void {
    this.released = true;
  }
}

/**
 * A slot of the ring or of the history: 64-byte aligned, full of old data, of either kind of
 * memory.
 */
export function slot(bytes: number, shared = false): Uint8Array {
  const memory = shared ? new SharedArrayBuffer(bytes + 128) : new ArrayBuffer(bytes + 128);
  new Uint8Array(memory).fill(0xa5);
  return new Uint8Array(memory, 64, bytes);
}

/**
 * Encodes into a slot of `room` bytes and moves what was written to another one, as a flow does.
 */
export function through<Value, Buf extends Layer>(
  type: FlowType<Value, Buf, unknown, never>,
  value: Value,
  room: number,
): { readonly buffer: Buf; readonly borrowed: BorrowedLayer; readonly bytes: number } {
  const target = slot(room);
  const bytes = type.encode(value, target);
  const history = slot(bytes, true);
  history.set(target.subarray(0, bytes));
  const borrowed = new BorrowedLayer(history);
  return { buffer: type.decode(borrowed), borrowed, bytes };
}
