/**
 * The flow type `bytes`: plain bytes, the type of untyped flows and an innermost layer of stacks.
 * Part of the public surface; input and output flows call its codec. Pure: no I/O.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { showValue } from '../call-options.js';
import type { BorrowedBytes } from './borrowed-bytes.js';
import type { FlowType, Placed } from './flow-type.js';
import { TypedBuffer } from './typed-buffer.js';

/** A buffer of plain bytes: `value` is the payload in place; `copy()` keeps it. */
export class BytesBuffer extends TypedBuffer<BorrowedBytes> {
  override copy(): Uint8Array<ArrayBuffer> {
    return super.copy() as Uint8Array<ArrayBuffer>;
  }

  protected interpret(bytes: Uint8Array): BorrowedBytes {
    return bytes;
  }
}

/**
 * The type of a flow of plain bytes. `reserve(bytes)` gives so many bytes of the slot to fill;
 * default: the whole slot.
 */
export function bytes(): FlowType<ArrayBufferView, BytesBuffer, Uint8Array, number> {
  return {
    name: 'bytes',
    metadataBytes: 0,
    encode(value, target) {
      const given = bytesOf(value);
      checkRoom(given.length, target.length);
      target.set(given);
      return given.length;
    },
    decode: (below) => new BytesBuffer(below),
    place(target, size = target.length): Placed<Uint8Array> {
      if (!Number.isInteger(size) || size < 0) {
        throw new MirrorflowError(
          'BAD_OPTION',
          `the size to reserve is ${size}; it must be a whole number of bytes from 0`,
        );
      }
      checkRoom(size, target.length);
      return { value: target.subarray(0, size), bytes: size };
    },
  };
}

/**
 * The bytes of a typed array, a Buffer or a DataView, in place. Throws BAD_OPTION for anything
 * else, naming what it is.
 */
export function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new MirrorflowError(
    'BAD_OPTION',
    `the buffer to write is ${showValue(value)}; it must be a typed array, a Buffer or a DataView, such as Buffer.from(text) or new Uint8Array(memory)`,
    { option: 'bytes' },
  );
}

/** Throws TOO_LARGE with both numbers. */
export function checkRoom(neededBytes: number, roomBytes: number): void {
  if (neededBytes <= roomBytes) return;
  throw new MirrorflowError(
    'TOO_LARGE',
    `the value takes ${neededBytes} bytes, and ${roomBytes} fit; open the flow with larger buffers`,
    { bytes: neededBytes, roomBytes },
  );
}
