/**
 * Numeric arrays with a shape, read and written as typed arrays over the very bytes.
 *
 * ```
 *  0 ┌──────────┬────────────────────────────────────┐
 *    │ rank u32 │ 7 dimensions u32, the unused ones 0 │
 * 32 ├──────────┴────────────────────────────────────┤
 *    │ elements, little-endian, the last dimension fastest
 *    └────────────────────────────────────────────────
 * ```
 */
import { isDeepStrictEqual } from 'node:util';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { checkRoom } from './bytes.js';
import type { FlowType, Layer, LayerProperties, Placed } from './flow-type.js';
import { TypedBuffer } from './typed-buffer.js';

const KINDS = {
  f64: Float64Array,
  f32: Float32Array,
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
} as const;

interface ArrayConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): Arrays[ArrayKind];
}

interface Arrays {
  f64: Float64Array;
  f32: Float32Array;
  i8: Int8Array;
  u8: Uint8Array;
  i16: Int16Array;
  u16: Uint16Array;
  i32: Int32Array;
  u32: Uint32Array;
  i64: BigInt64Array;
  u64: BigUint64Array;
}

export type ArrayKind = keyof Arrays;
export type ArrayOf<K extends ArrayKind> = Arrays[K];
export type Shape = readonly number[];

/**
 * An array of another shape than the declared one; a NumericBuffer is one, so that it can be
 * written on.
 */
export interface Shaped<K extends ArrayKind> {
  readonly array: ArrayOf<K>;
  readonly shape: Shape;
}

/** Most dimensions of a shape. */
const RANK_MAX = 7;
const DIMENSION_MAX = 2 ** 32 - 1;
const U32_BYTES = 4;
const METADATA_BYTES = U32_BYTES * (1 + RANK_MAX);

/** `value` and `array` are a typed array over the buffer's own bytes. */
export class NumericBuffer<K extends ArrayKind> extends TypedBuffer<ArrayOf<K>> {
  readonly #kind: K;
  readonly #most: Shape | undefined;
  #shape: Shape = [];

  constructor(below: Layer, kind: K, most: Shape | undefined) {
    super(below);
    this.#kind = kind;
    this.#most = most;
  }

  /**
   * The elements, the last dimension fastest. A view: valid as long as the buffer. Throws `error`
   * where there is one.
   */
  get array(): ArrayOf<K> {
    return this.value;
  }

  /** Length of each dimension. Throws `error` where there is one. */
  get shape(): Shape {
    void this.value;
    return this.#shape;
  }

  /** The elements' bytes. */
  override get data(): Uint8Array {
    const { buffer, byteOffset, byteLength } = this.value;
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  protected interpret(bytes: Uint8Array): ArrayOf<K> {
    const shape = readShape(bytes);
    if (this.#most !== undefined && !within(shape, this.#most)) {
      throw new RangeError(`its shape is ${named(shape)}; at most ${named(this.#most)} was declared`);
    }
    const length = elements(shape);
    const elementBytes = KINDS[this.#kind].BYTES_PER_ELEMENT;
    if (length * elementBytes !== bytes.length - METADATA_BYTES) {
      throw new RangeError(
        `its shape ${named(shape)} of ${this.#kind} needs ${length * elementBytes} bytes, and it has ${bytes.length - METADATA_BYTES}`,
      );
    }
    this.#shape = shape;
    return viewOf(this.#kind, bytes.subarray(METADATA_BYTES), length);
  }
}

/**
 * A flow of arrays: `write(array)`, `write({ array, shape })`, or `reserve(shape)` and fill the
 * array that lies in the slot.
 */
export type ArrayType<K extends ArrayKind> = FlowType<
  ArrayOf<K> | Shaped<K>,
  NumericBuffer<K>,
  ArrayOf<K>,
  Shape
>;

/**
 * @param shape the largest shape, 1 to 7 dimensions: every buffer has as many, none of them longer. Without it, any shape that fits.
 * An array written without a shape has the declared one when its length is that, and one dimension
 * otherwise. Throws BAD_OPTION.
 */
export function array<K extends ArrayKind>(kind: K, shape?: Shape): ArrayType<K> {
  if (!Object.hasOwn(KINDS, kind)) {
    throw badShape(
      `${JSON.stringify(kind)} is no kind of element; there are ${Object.keys(KINDS).join(', ')}`,
    );
  }
  const most = shape === undefined ? undefined : [...checkShape(shape)];
  const elementBytes = KINDS[kind].BYTES_PER_ELEMENT;

  /** Writes the metadata; returns the bytes that it all takes. */
  function begin(target: Uint8Array, given: Shape): number {
    checkShape(given);
    if (most !== undefined && !within(given, most)) {
      throw badShape(`the shape ${named(given)} is beyond the declared ${named(most)}`);
    }
    const bytes = METADATA_BYTES + elements(given) * elementBytes;
    checkRoom(bytes, target.length);
    writeShape(target, given);
    return bytes;
  }

  function shapeOf({ length }: ArrayOf<K>): Shape {
    return most !== undefined && elements(most) === length ? most : [length];
  }

  return {
    name: 'array',
    properties: most === undefined ? { kind } : { kind, shape: most },
    metadataBytes: METADATA_BYTES,
    ...(most === undefined ? {} : { payloadBytes: elements(most) * elementBytes }),
    accepts: (found) => found['kind'] === kind && acceptsShape(found, most),
    encode(value, target) {
      const shaped = isShaped(value) ? value : { array: value, shape: shapeOf(value) };
      if (!(shaped.array instanceof KINDS[kind])) {
        throw badShape(`the flow takes elements of ${kind}, in a ${KINDS[kind].name}`);
      }
      if (elements(checkShape(shaped.shape)) !== shaped.array.length) {
        throw badShape(`${shaped.array.length} elements are no ${named(shaped.shape)}`);
      }
      const bytes = begin(target, shaped.shape);
      target.set(bytesOf(shaped.array), METADATA_BYTES);
      return bytes;
    },
    decode: (below) => new NumericBuffer(below, kind, most),
    place(target, given): Placed<ArrayOf<K>> {
      const room = Math.floor((target.length - METADATA_BYTES) / elementBytes);
      const form = given ?? most ?? [Math.max(0, room)];
      const bytes = begin(target, form);
      return { value: viewOf(kind, target.subarray(METADATA_BYTES, bytes), elements(form)), bytes };
    },
  };
}

/**
 * A shape that the provider declared must fit into ours; one that it did not declare is checked
 * buffer by buffer.
 */
function acceptsShape(found: LayerProperties, most: Shape | undefined): boolean {
  const { shape } = found;
  if (most === undefined || shape === undefined || isDeepStrictEqual(shape, most)) return true;
  return Array.isArray(shape) && within(shape as number[], most);
}

function readShape(bytes: Uint8Array): number[] {
  if (bytes.length < METADATA_BYTES) throw new RangeError(`${bytes.length} bytes are too few for a shape`);
  const words = new DataView(bytes.buffer, bytes.byteOffset, METADATA_BYTES);
  const rank = words.getUint32(0, true);
  if (rank < 1 || rank > RANK_MAX)
    throw new RangeError(`its shape has ${rank} dimensions, not 1 to ${RANK_MAX}`);
  return Array.from({ length: rank }, (_, axis) => words.getUint32(U32_BYTES * (1 + axis), true));
}

function writeShape(target: Uint8Array, shape: Shape): void {
  const words = new DataView(target.buffer, target.byteOffset, METADATA_BYTES);
  words.setUint32(0, shape.length, true);
  for (let axis = 0; axis < RANK_MAX; axis += 1) {
    words.setUint32(U32_BYTES * (1 + axis), shape[axis] ?? 0, true);
  }
}

function viewOf<K extends ArrayKind>(kind: K, bytes: Uint8Array, length: number): ArrayOf<K> {
  const constructor: ArrayConstructor = KINDS[kind];
  // Slots and history keep elements aligned; bytes that somebody else hands over may not be.
  const aligned = bytes.byteOffset % constructor.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new constructor(aligned.buffer, aligned.byteOffset, length) as ArrayOf<K>;
}

function isShaped<K extends ArrayKind>(value: ArrayOf<K> | Shaped<K>): value is Shaped<K> {
  return 'shape' in value;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function elements(shape: Shape): number {
  return shape.reduce((product, length) => product * length, 1);
}

function within(shape: Shape, most: Shape): boolean {
  return shape.length === most.length && shape.every((length, axis) => length <= (most[axis] ?? 0));
}

function named(shape: Shape): string {
  return `[${shape.join(' × ')}]`;
}

function checkShape(shape: Shape): Shape {
  const isLength = (length: number): boolean =>
    Number.isInteger(length) && length >= 0 && length <= DIMENSION_MAX;
  if (Array.isArray(shape) && shape.length >= 1 && shape.length <= RANK_MAX && shape.every(isLength))
    return shape;
  throw badShape(`${JSON.stringify(shape)} is no shape: 1 to ${RANK_MAX} whole numbers from 0`);
}

function badShape(message: string): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', message);
}
