/**
 * An output flow that is written in values of a flow type (what the bytes of a flow mean: JSON,
 * arrays, ...): encoded straight into the reserved slot, or filled in place. `Client.openOutput`
 * returns it when its `type` is an object. Does no I/O.
 */
import { MirrorflowError, describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import { checkOptionNames } from '../call-options.js';
import { writeEncoded, type OutputFlow } from './output-flow.js';
import type { CommitOptions, OutputSlot, WaitOptions } from './output-slot.js';
import type { OutputFlowOptions } from './output-options.js';
import type { FlowType, Layer, Placed } from '../types/flow-type.js';
import { encodedBytes, stackIdentity } from '../types/stack.js';

/** A flow type as providers need it: the buffers it reads do not matter. */
export type WritableType<Value, Place, Form> = FlowType<Value, Layer, Place, Form>;

/** Options of `client.openOutput` with a flow type. */
export interface TypedOutputOptions<Value, Place, Form> extends Omit<
  OutputFlowOptions,
  'type' | 'properties' | 'bufferSize'
> {
  /** The flow type, which turns values into bytes. */
  readonly type: WritableType<Value, Place, Form>;
  /** Bytes of one buffer in the flow, metadata of all layers included. */
  readonly bufferSize?: number;
  /**
   * Instead of `bufferSize`: the largest payload in bytes, without metadata. Neither is needed for
   * a type that states its own size.
   */
  readonly maxBytes?: number;
}

const TYPED_OPTIONS = [
  'type',
  'bufferSize',
  'maxBytes',
  'buffers',
  'whenFull',
  'queue',
  'stallTimeoutMs',
  'signal',
] as const satisfies readonly (keyof TypedOutputOptions<never, never, never>)[];

/**
 * The untyped options for a type and its sizes. Throws BAD_OPTION when no size is known, or the
 * type has no valid name.
 */
export function untypedOutputOptions<Value, Place, Form>(
  options: TypedOutputOptions<Value, Place, Form>,
): OutputFlowOptions & { readonly type: string } {
  checkOptionNames('openOutput with a flow type', options, TYPED_OPTIONS);
  const { type, maxBytes = type.payloadBytes, bufferSize: statedSize, ...rest } = options;
  const { type: name, properties } = stackIdentity(type);
  const bufferSize = statedSize ?? (maxBytes === undefined ? undefined : encodedBytes(type, maxBytes));
  if (bufferSize === undefined) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `a flow of type ${name} has values of any size; set maxBytes to the largest value, or set bufferSize`,
      { option: 'maxBytes' },
    );
  }
  return { ...rest, bufferSize, type: name, properties };
}

/** A reserved slot with a value that is filled in place, in the mapped file itself. */
export interface TypedSlot<Place> {
  /** Holds old data until it is filled; the provider's until `commit`. */
  readonly value: Place;
  /**
   * Publishes the buffer, at the latest at the end of this turn of the event loop in which all
   * slots that were reserved before are committed or abandoned. Throws BAD_OPTION when this slot
   * was committed or abandoned already.
   */
  commit(options?: CommitOptions): void;
  /** Gives the slot back: nothing is published. Throws as `commit`. */
  abandon(): void;
}

/** An output whose buffers are values of a flow type. */
export class TypedOutputFlow<Value, Place = never, Form = never> {
  /**
   * The untyped flow: its events, `free`, `next`, `lost`.
   */
  readonly output: OutputFlow;
  readonly #type: WritableType<Value, Place, Form>;

  constructor(type: WritableType<Value, Place, Form>, output: OutputFlow) {
    this.#type = type;
    this.output = output;
  }

  /** Bytes a buffer can hold, metadata included. */
  get bufferSize(): number {
    return this.output.bufferSize;
  }

  /**
   * Writes one value, encoded into the next slot itself. Without credit the flow's policy decides,
   * as for `OutputFlow.write`; while `block` waits, the value must not change. Resolves with false
   * when the policy dropped or replaced a buffer. Rejects with TOO_LARGE or BAD_OPTION for a value
   * that cannot be written, CLOSED.
   */
  write(value: Value, options?: WaitOptions): Promise<boolean> {
    return writeEncoded(this.output, (target) => this.#encode(value, target), options);
  }

  /**
   * Reserves the next slot as soon as there is credit, with a value in it to fill: for an array,
   * the typed array of this shape (default: the declared one, or the largest that fits). Rejects
   * with BAD_OPTION for a type whose values cannot be filled in place, TOO_LARGE, CLOSED.
   */
  async reserve(form?: Form, options?: WaitOptions): Promise<TypedSlot<Place>> {
    return this.#place(await this.output.reserve(options), form);
  }

  /** Reserves without waiting: undefined without credit, or while other writers wait. */
  reserveNow(form?: Form): TypedSlot<Place> | undefined {
    const slot = this.output.reserveNow();
    return slot === undefined ? undefined : this.#place(slot, form);
  }

  /** Publishes the commits of this turn now, instead of at its end. */
  flush(): void {
    this.output.flush();
  }

  /**
   * Waits until everything written has room, publishes it, releases the provider role. Idempotent.
   */
  close(): Promise<void> {
    return this.output.close();
  }

  /** Releases the provider role at once; waiting writes are rejected. Idempotent. */
  destroy(): void {
    this.output.destroy();
  }

  #encode(value: Value, target: Uint8Array): number {
    try {
      return this.#type.encode(value, target);
    } catch (error) {
      if (isMirrorflowError(error)) throw error;
      const message = `the value cannot be written as ${this.#type.name}: ${describeError(error)}`;
      throw new MirrorflowError('BAD_OPTION', message, {}, error);
    }
  }

  /** The slot is given back when the value cannot be placed in it. */
  #place(slot: OutputSlot, form: Form | undefined): TypedSlot<Place> {
    let placed: Placed<Place> | undefined;
    try {
      placed = this.#type.place?.(slot.data, form);
    } catch (error) {
      slot.abandon();
      throw error;
    }
    if (placed === undefined) {
      slot.abandon();
      const message = `a value of type ${this.#type.name} cannot be filled in place: use write()`;
      throw new MirrorflowError('BAD_OPTION', message);
    }
    const { value, bytes } = placed;
    return {
      value,
      commit: (options) => slot.commit(bytes, options),
      abandon: () => slot.abandon(),
    };
  }
}
