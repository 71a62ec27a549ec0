/**
 * What a flow type is: one layer of a stack, or a whole stack. Each layer puts its own metadata in
 * front of the payload and has its own Buffer class over it.
 *
 * ```
 * compressed(array('f64')) in a slot
 *  0 ┌──────────────────────┬──────────────────────────────────────────────┐
 *    │ metadata of deflate  │ what the layer inside wrote, deflated:       │
 *    │                      │   metadata of array │ elements               │
 *    └──────────────────────┴──────────────────────────────────────────────┘
 * ```
 */

/**
 * What a Buffer object stands on: a buffer that the flow has lent (`FlowBuffer`), or the Buffer
 * object of the layer outside.
 */
export interface Layer {
  /** Counts the buffers of a flow from 0 within an epoch. */
  readonly sequence: number;
  readonly epoch: number;
  /** Wall-clock nanoseconds since 1970. */
  readonly timestampNs: number;
  /** Bytes in the flow, metadata of all layers included. */
  readonly size: number;
  readonly flags: number;
  /**
   * The bytes for the layer inside, in place, not to be written to. Throws CLOSED once released,
   * BAD_MESSAGE when there are none.
   */
  readonly data: Uint8Array;
  readonly released: boolean;
  stillValid(): boolean;
  release(): void;
}

/** Plain JSON. */
export type LayerProperties = Readonly<Record<string, unknown>>;

/** What identifies a layer. */
export interface FlowLayer {
  /**
   * Letters, digits and `._:+-`, beginning with a letter or digit. The names of a stack, joined by
   * `/`, are the flow's type.
   */
  readonly name: string;
  /** Stand in the flow's identity under the layer's name. Default none. */
  readonly properties?: LayerProperties;
  /** The layer inside, where there is one. */
  readonly inner?: FlowLayer;
  /** Bytes of this layer's metadata, a multiple of 8, so that what follows stays aligned. */
  readonly metadataBytes: number;
  /**
   * The largest payload of the innermost layer in bytes, where the type says so itself; then
   * opening an output needs no size.
   */
  readonly payloadBytes?: number;
  /**
   * Whether buffers of a flow whose provider stated these properties can be read. Default: when
   * they are the same. Consumers only.
   */
  accepts?(found: LayerProperties): boolean;
}

/** Room in a reserved slot, to be filled in place. */
export interface Placed<Place> {
  readonly value: Place;
  /** Bytes of the slot that are used, metadata included. */
  readonly bytes: number;
}

/**
 * @typeParam Value what `write` takes
 * @typeParam Buffer what takes give
 * @typeParam Place what `reserve` gives for filling, for types that can
 * @typeParam Form what `reserve` takes: the shape of an array, say
 */
export interface FlowType<Value, Buffer extends Layer, Place = never, Form = never> extends FlowLayer {
  /**
   * Writes metadata and payload into `target`, the slot itself where possible, and returns the
   * bytes used. `target` begins at a multiple of 8 and holds old data. Throws TOO_LARGE when the
   * value does not fit, BAD_OPTION for what is no such value; nothing is published then.
   */
  encode(value: Value, target: Uint8Array): number;
  /**
   * The Buffer object over what the layer outside gives. Must not look at the bytes yet: the object
   * does, when it is asked.
   */
  decode(below: Layer): Buffer;
  /**
   * Writes the metadata for a value of this form and gives its place. Only for layers whose values
   * can lie in a slot as they are.
   */
  place?(target: Uint8Array, form?: Form): Placed<Place>;
}
