/**
 * The flow type `array`: numeric arrays with a shape, read and written as typed arrays over the
 * bytes of the flow. Part of the public surface; input and output flows call its codec. Pure: no
 * I/O.
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

/** Type of the elements of an array flow. */
export type ArrayKind = keyof Arrays;
/** The typed array with elements of a kind. */
export type ArrayOf<K extends ArrayKind> = Arrays[K];
/** Lengths of the dimensions of an array, the slowest first. */
export type Shape = readonly number[];

/**
 * An array with its own shape instead of the declared one. A NumericBuffer is one, so that a buffer
 * that was read can be written.
 */
export interface Shaped<K extends ArrayKind> {
  /** The elements, in one typed array. */
  readonly array: ArrayOf<K>;
  /** Lengths of the dimensions. */
  readonly shape: Shape;
}

/** Most dimensions of a shape. */
const RANK_MAX = 7;
const DIMENSION_MAX = 2 ** 32 - 1;
const U32_BYTES = 4;
const METADATA_BYTES = U32_BYTES * (1 + RANK_MAX);

/** A buffer of an array flow: `value` and `array` are a typed array over its bytes. */
export class NumericBuffer<K extends ArrayKind> extends TypedBuffer<ArrayOf<K>> {
  readonly #kind: K;
  readonly #maxShape: Shape | undefined;
  #shape: Shape = [];

  constructor(below: Layer, kind: K, maxShape: Shape | undefined) {
    super(below);
    this.#kind = kind;
    this.#maxShape = maxShape;
  }

  /**
   * The elements, the last dimension fastest. A view: valid as long as the buffer. Throws `error`
   * if the bytes are wrong.
   */
  get array(): ArrayOf<K> {
    return this.value;
  }

  /** Length of each dimension. Throws `error` if the bytes are wrong. */
  get shape(): Shape {
    void this.value;
    return this.#shape;
  }

  /** The elements' bytes. */
  override get bytes(): Uint8Array {
    const { buffer, byteOffset, byteLength } = this.value;
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  protected interpret(bytes: Uint8Array): ArrayOf<K> {
    const shape = readShape(bytes);
    if (this.#maxShape !== undefined && !fitsShape(shape, this.#maxShape)) {
      throw new RangeError(
        `its shape is ${formatShape(shape)}; at most ${formatShape(this.#maxShape)} was declared`,
      );
    }
    const length = elementCount(shape);
    const elementBytes = KINDS[this.#kind].BYTES_PER_ELEMENT;
    if (length * elementBytes !== bytes.length - METADATA_BYTES) {
      throw new RangeError(
        `its shape ${formatShape(shape)} of ${this.#kind} needs ${length * elementBytes} bytes, and it has ${bytes.length - METADATA_BYTES}`,
      );
    }
    this.#shape = shape;
    return viewOf(this.#kind, bytes.subarray(METADATA_BYTES), length);
  }
}

/**
 * A flow of arrays: `write(array)`, `write({ array, shape })`, or `reserve(shape)` and fill the
 * array in the slot.
 */
export type ArrayType<K extends ArrayKind> = FlowType<
  ArrayOf<K> | Shaped<K>,
  NumericBuffer<K>,
  ArrayOf<K>,
  Shape
>;

/**
 * The type of a flow of arrays of one kind of element. Throws BAD_OPTION.
 *
 * `shape`: the largest shape, 1 to 7 dimensions: each buffer has as many, none of them longer;
 * default: any shape that fits a buffer. An array written without a shape gets the declared shape
 * when it has that many elements, and one dimension otherwise.
 */
export function array<K extends ArrayKind>(kind: K, shape?: Shape): ArrayType<K> {
  if (!Object.hasOwn(KINDS, kind)) {
    throw badShape(
      `the element kind is ${JSON.stringify(kind)}; it must be one of ${Object.keys(KINDS).join(', ')}`,
    );
  }
  const maxShape = shape === undefined ? undefined : [...checkShape(shape)];
  const elementBytes = KINDS[kind].BYTES_PER_ELEMENT;

  /** Writes the metadata; returns the bytes of metadata and elements together. */
  function writeMetadata(target: Uint8Array, given: Shape): number {
    checkShape(given);
    if (maxShape !== undefined && !fitsShape(given, maxShape)) {
      throw badShape(`the shape ${formatShape(given)} is beyond the declared ${formatShape(maxShape)}`);
    }
    const bytes = METADATA_BYTES + elementCount(given) * elementBytes;
    checkRoom(bytes, target.length);
    writeShape(target, given);
    return bytes;
  }

  function shapeOf({ length }: ArrayOf<K>): Shape {
    return maxShape !== undefined && elementCount(maxShape) === length ? maxShape : [length];
  }

  return {
    name: 'array',
    properties: maxShape === undefined ? { kind } : { kind, shape: maxShape },
    metadataBytes: METADATA_BYTES,
    ...(maxShape === undefined ? {} : { payloadBytes: elementCount(maxShape) * elementBytes }),
    accepts: (provided) => provided['kind'] === kind && acceptsShape(provided, maxShape),
    encode(value, target) {
      const shaped = isShaped(value) ? value : { array: value, shape: shapeOf(value) };
      if (!(shaped.array instanceof KINDS[kind])) {
        throw badShape(`the value is no ${KINDS[kind].name}; a flow of ${kind} is written with one`);
      }
      if (elementCount(checkShape(shaped.shape)) !== shaped.array.length) {
        throw badShape(
          `the array has ${shaped.array.length} elements; its shape ${formatShape(shaped.shape)} needs ${elementCount(shaped.shape)}`,
        );
      }
      const bytes = writeMetadata(target, shaped.shape);
      target.set(bytesOf(shaped.array), METADATA_BYTES);
      return bytes;
    },
    decode: (below) => new NumericBuffer(below, kind, maxShape),
    place(target, given): Placed<ArrayOf<K>> {
      const room = Math.floor((target.length - METADATA_BYTES) / elementBytes);
      const form = given ?? maxShape ?? [Math.max(0, room)];
      const bytes = writeMetadata(target, form);
      return { value: viewOf(kind, target.subarray(METADATA_BYTES, bytes), elementCount(form)), bytes };
    },
  };
}

/**
 * A shape that the provider declared must fit the consumer's; otherwise each buffer is checked.
 */
function acceptsShape(provided: LayerProperties, maxShape: Shape | undefined): boolean {
  const { shape } = provided;
  if (maxShape === undefined || shape === undefined || isDeepStrictEqual(shape, maxShape)) return true;
  return Array.isArray(shape) && fitsShape(shape as number[], maxShape);
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
  // Slots and histories keep elements aligned; bytes of an outer layer may be unaligned.
  const aligned = bytes.byteOffset % constructor.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new constructor(aligned.buffer, aligned.byteOffset, length) as ArrayOf<K>;
}

function isShaped<K extends ArrayKind>(value: ArrayOf<K> | Shaped<K>): value is Shaped<K> {
  return 'shape' in value;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function elementCount(shape: Shape): number {
  return shape.reduce((product, length) => product * length, 1);
}

function fitsShape(shape: Shape, maxShape: Shape): boolean {
  return shape.length === maxShape.length && shape.every((length, axis) => length <= (maxShape[axis] ?? 0));
}

function formatShape(shape: Shape): string {
  return `[${shape.join(' × ')}]`;
}

function checkShape(shape: Shape): Shape {
  const isLength = (length: number): boolean =>
    Number.isInteger(length) && length >= 0 && length <= DIMENSION_MAX;
  if (Array.isArray(shape) && shape.length >= 1 && shape.length <= RANK_MAX && shape.every(isLength))
    return shape;
  throw badShape(`the shape is ${JSON.stringify(shape)}; it must be 1 to ${RANK_MAX} whole numbers from 0`);
}

function badShape(message: string): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', message);
}
