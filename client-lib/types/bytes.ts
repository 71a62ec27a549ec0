/**
 * The flow type `bytes`: plain bytes, the type of untyped flows and an innermost layer of stacks.
 * Part of the public surface; input and output flows call its codec. Pure: no I/O.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { FlowType, Placed } from './flow-type.js';
import { TypedBuffer } from './typed-buffer.js';

/** A buffer of plain bytes: `value` is the payload in place; `copy()` keeps it. */
export class BytesBuffer extends TypedBuffer<Uint8Array> {
  protected interpret(bytes: Uint8Array): Uint8Array {
    return bytes;
  }
}

/**
 * The type of a flow of plain bytes. `reserve(bytes)` gives so many bytes of the slot to fill;
 * default: the whole slot.
 */
export function bytes(): FlowType<Uint8Array, BytesBuffer, Uint8Array, number> {
  return {
    name: 'bytes',
    metadataBytes: 0,
    encode(value, target) {
      checkRoom(value.length, target.length);
      target.set(value);
      return value.length;
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

/** Throws TOO_LARGE with both numbers. */
export function checkRoom(neededBytes: number, roomBytes: number): void {
  if (neededBytes <= roomBytes) return;
  throw new MirrorflowError(
    'TOO_LARGE',
    `the value takes ${neededBytes} bytes, and ${roomBytes} fit; open the flow with larger buffers`,
    { bytes: neededBytes, roomBytes },
  );
}
