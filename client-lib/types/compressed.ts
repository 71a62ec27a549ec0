/**
 * The flow type `deflate`: an outer layer that compresses the buffers of another type where that
 * makes them smaller. Part of the public surface; input and output flows call its codec. Pure: no
 * I/O.
 *
 * ```
 * 0 ┌───────────────────┬───────────────────────────┐
 *   │ raw length u32    │ form u32: 0 stored,       │
 *   │                   │ 1 raw deflate (RFC 1951)  │
 * 8 ├───────────────────┴───────────────────────────┤
 *   │ buffer of the inner layer, in that form
 *   └────────────────────────────────────────────────
 * ```
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { nodeZlib } from '../../protocol/base/lazy-modules.js';
import { checkOptionNames, showValue } from '../call-options.js';
import { checkRoom } from './bytes.js';
import type { FlowType, Layer } from './flow-type.js';
import { encodedBytes } from './stack.js';
import { TypedBuffer } from './typed-buffer.js';

/** Options of `compressed`. */
export interface CompressedOptions {
  /** 0 (none) to 9 (smallest). Default 1, the fastest. */
  readonly level?: number;
  /**
   * Largest buffer before compression, in bytes: writers and readers refuse larger ones. Default:
   * the size that the inner type states, or 16 MiB.
   */
  readonly maxBytes?: number;
}

const METADATA_BYTES = 8;
const RAW_DEFAULT_MAX_BYTES = 16 * 1024 * 1024;
const DEFAULT_DEFLATE_LEVEL = 1;
const LEVEL_MAX = 9;
const FORM = { stored: 0, deflated: 1 } as const;
/**
 * Best ratio of deflate (RFC 1951): 258 bytes in two bits. A raw length beyond it is refused before
 * memory is allocated.
 */
const DEFLATE_RATIO_MAX = 1032;
const ZLIB_CHUNK_MIN_BYTES = 64;

/**
 * The buffer that the inner type reads: its bytes are inflated on first access.
 */
class InflatedBuffer extends TypedBuffer<Uint8Array> {
  readonly #maxBytes: number;

  constructor(below: Layer, maxBytes: number) {
    super(below);
    this.#maxBytes = maxBytes;
  }

  override get bytes(): Uint8Array {
    return this.value;
  }

  protected interpret(bytes: Uint8Array): Uint8Array {
    if (bytes.length < METADATA_BYTES)
      throw new RangeError(`${bytes.length} bytes are too few for a compressed buffer`);
    const metadata = new DataView(bytes.buffer, bytes.byteOffset, METADATA_BYTES);
    const rawBytes = metadata.getUint32(0, true);
    const form = metadata.getUint32(4, true);
    const stored = bytes.subarray(METADATA_BYTES);
    if (rawBytes > this.#maxBytes) {
      throw new RangeError(`its raw length is ${rawBytes} bytes; at most ${this.#maxBytes} are allowed`);
    }
    const raw = form === FORM.deflated ? inflate(stored, rawBytes) : stored;
    if (form > FORM.deflated)
      throw new RangeError(`its form is ${form}; it must be ${FORM.stored} or ${FORM.deflated}`);
    if (raw.length !== rawBytes)
      throw new RangeError(`it has ${raw.length} bytes uncompressed, and its raw length is ${rawBytes}`);
    return raw;
  }
}

/** Compresses the buffers of `inner`. Throws BAD_OPTION for a level or maximum out of range. */
export function compressed<Value, Buf extends Layer>(
  inner: FlowType<Value, Buf, unknown, never>,
  options: CompressedOptions = {},
): FlowType<Value, Buf> {
  checkOptionNames('compressed', options, ['level', 'maxBytes']);
  const { payloadBytes } = inner;
  const { level = DEFAULT_DEFLATE_LEVEL } = options;
  const {
    maxBytes = payloadBytes === undefined ? RAW_DEFAULT_MAX_BYTES : encodedBytes(inner, payloadBytes),
  } = options;
  checkWhole('level', level, 0, LEVEL_MAX);
  checkWhole('maxBytes', maxBytes, 0, LIMITS.mappedBytesMax);
  /** For values that fit a slot only when compressed; allocated for the first of them. */
  let scratch: Uint8Array | undefined;

  function encodeInner(value: Value, room: Uint8Array): Uint8Array {
    const place = room.subarray(0, maxBytes);
    try {
      return place.subarray(0, inner.encode(value, place));
    } catch (error) {
      if (place.length === maxBytes) throw error;
      scratch ??= Buffer.allocUnsafeSlow(maxBytes);
      return scratch.subarray(0, inner.encode(value, scratch));
    }
  }

  return {
    name: 'deflate',
    properties: { maxBytes },
    inner,
    metadataBytes: METADATA_BYTES,
    ...(payloadBytes === undefined ? {} : { payloadBytes }),
    accepts: (provided) => typeof provided['maxBytes'] === 'number' && provided['maxBytes'] <= maxBytes,
    encode(value, target) {
      checkRoom(METADATA_BYTES, target.length);
      const room = target.subarray(METADATA_BYTES);
      const raw = encodeInner(value, room);
      const deflated = nodeZlib().deflateRawSync(raw, { level });
      const smaller = deflated.length < raw.length;
      const stored = smaller ? deflated : raw;
      checkRoom(METADATA_BYTES + stored.length, target.length);
      if (stored.byteOffset !== room.byteOffset || stored.buffer !== room.buffer) room.set(stored);
      const metadata = new DataView(target.buffer, target.byteOffset, METADATA_BYTES);
      metadata.setUint32(0, raw.length, true);
      metadata.setUint32(4, smaller ? FORM.deflated : FORM.stored, true);
      return METADATA_BYTES + stored.length;
    },
    decode: (below) => inner.decode(new InflatedBuffer(below, maxBytes)),
  };
}

function inflate(deflated: Uint8Array, rawBytes: number): Uint8Array {
  if (rawBytes > deflated.length * DEFLATE_RATIO_MAX) {
    throw new RangeError(
      `its raw length is ${rawBytes}, which ${deflated.length} deflated bytes cannot hold`,
    );
  }
  return nodeZlib().inflateRawSync(deflated, {
    maxOutputLength: Math.max(1, rawBytes),
    chunkSize: Math.max(ZLIB_CHUNK_MIN_BYTES, rawBytes),
  });
}

function checkWhole(option: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new MirrorflowError(
    'BAD_OPTION',
    `${option} is ${showValue(value)}; it must be a whole number from ${min} to ${max}`,
    {
      option,
    },
  );
}
