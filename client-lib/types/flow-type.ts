/**
 * The interfaces of flow types: a flow type defines what the bytes of a flow mean, as a stack of
 * layers. Each layer puts its own metadata in front of the payload and has its own buffer class.
 * Implemented by the provided types and by programs; part of the public surface. Types only.
 *
 * ```
 * compressed(array('f64')) in a slot
 *  0 ┌──────────────────────┬──────────────────────────────────────────────┐
 *    │ metadata of deflate  │ buffer of the inner layer, deflated:         │
 *    │                      │   metadata of array │ elements               │
 *    └──────────────────────┴──────────────────────────────────────────────┘
 * ```
 */
import type { BorrowedBytes } from './borrowed-bytes.js';

/**
 * What a buffer object reads: a borrowed buffer of the flow (`FlowBuffer`), or the buffer object of
 * the outer layer.
 */
export interface Layer {
  /** Counts the buffers of a flow from 0 within an epoch. */
  readonly sequence: number;
  /** Epoch of the flow. */
  readonly epoch: number;
  /** Wall-clock nanoseconds since 1970. */
  readonly timestampNs: number;
  /** Bytes in the flow, metadata of all layers included. */
  readonly size: number;
  /** Flags that the provider set. */
  readonly flags: number;
  /**
   * The bytes for the inner layer, in place, to be read only. Throws CLOSED once released,
   * BAD_MESSAGE when this layer's bytes are wrong.
   */
  readonly data: BorrowedBytes;
  /** Memory of `data`, for APIs that take a Uint8Array and only read it. */
  readonly bytes: Uint8Array;
  /** Whether the buffer was given back. */
  readonly released: boolean;
  /** Whether the bytes are still those of this buffer. */
  stillValid(): boolean;
  /** Gives the buffer back to the ring. */
  release(): void;
}

/** Properties of a layer, plain JSON. */
export type LayerProperties = Readonly<Record<string, unknown>>;

/** Identity and sizes of a layer. */
export interface FlowLayer {
  /**
   * Letters, digits and `._:+-`, beginning with a letter or digit. The names of a stack, joined by
   * `/`, are the flow's type.
   */
  readonly name: string;
  /** Stored in the flow's identity under the layer's name. Default none. */
  readonly properties?: LayerProperties;
  /** The inner layer; undefined for the innermost. */
  readonly inner?: FlowLayer;
  /** Bytes of this layer's metadata, a multiple of 8, so that what follows stays aligned. */
  readonly metadataBytes: number;
  /**
   * The largest payload of the innermost layer in bytes, if the type defines it; opening an output
   * needs no size then.
   */
  readonly payloadBytes?: number;
  /**
   * Whether a consumer can read a flow whose provider stated these properties. Default: when they
   * are equal.
   */
  accepts?(provided: LayerProperties): boolean;
}

/** A value in a reserved slot, to be filled in place. */
export interface Placed<Place> {
  /** The value at its place in the buffer. */
  readonly value: Place;
  /** Bytes of the slot that are used, metadata included. */
  readonly bytes: number;
}

/**
 * What the buffers of a flow mean: how values become bytes, and bytes values.
 *
 * @typeParam Value argument of `write`
 * @typeParam Buffer buffer object that takes return
 * @typeParam Place value that `reserve` returns for filling, for types that support it
 * @typeParam Form argument of `reserve`: the shape of an array, for example
 */
export interface FlowType<Value, Buffer extends Layer, Place = never, Form = never> extends FlowLayer {
  /**
   * Writes metadata and payload into `target`, the slot itself where possible, and returns the
   * bytes used. `target` begins at a multiple of 8 and holds old data. Throws TOO_LARGE when the
   * value does not fit, BAD_OPTION for a wrong value; nothing is published then.
   */
  encode(value: Value, target: Uint8Array): number;
  /**
   * The buffer object over the outer layer. Must not read the bytes: the object does on first
   * access.
   */
  decode(below: Layer): Buffer;
  /**
   * Writes the metadata for a value of this form and returns the value in the slot. Only for layers
   * whose values can be stored in a slot as they are.
   */
  place?(target: Uint8Array, form?: Form): Placed<Place>;
}
