/**
 * An output flow that is written in values of a flow type (what the bytes of a flow mean: JSON,
 * arrays, ...): encoded straight into the reserved slot, or filled in place. `Client.openOutput`
 * returns it when its `type` is an object. Does no I/O.
 */
import { MirrorflowError, describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { OutputFlow } from './output-flow.js';
import type { CommitOptions, OutputSlot, WaitOptions } from './output-slot.js';
import type { OutputFlowOptions } from './output-options.js';
import type { FlowType, Layer } from '../types/flow-type.js';
import { encodedBytes, stackIdentity } from '../types/stack.js';

/** A flow type as providers need it: the buffers it reads do not matter. */
export type WritableType<Value, Place, Form> = FlowType<Value, Layer, Place, Form>;

export interface TypedOutputOptions<Value, Place, Form> extends Omit<
  OutputFlowOptions,
  'type' | 'properties' | 'bufferSize'
> {
  readonly type: WritableType<Value, Place, Form>;
  /** Bytes of one buffer in the flow, metadata of all layers included. */
  readonly bufferSize?: number;
  /**
   * Instead of `bufferSize`: the largest payload in bytes, without metadata. Neither is needed for
   * a type that states its own size.
   */
  readonly maxBytes?: number;
}

/**
 * The untyped options for a type and its sizes. Throws BAD_OPTION when no size is known, or the
 * type has no valid name.
 */
export function untypedOutputOptions<Value, Place, Form>(
  options: TypedOutputOptions<Value, Place, Form>,
): OutputFlowOptions & { readonly type: string } {
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
   * Publishes the buffer, at the latest at the end of this turn of the event loop. Throws
   * BAD_OPTION when the slot was committed, given up or reserved again.
   */
  commit(options?: CommitOptions): void;
  /** Publishes nothing: the slot can be reserved again. */
  giveUp(): void;
}

export class TypedOutputFlow<Value, Place = never, Form = never> {
  /**
   * The untyped flow: its events, `free`, `next`, `lost`, `flush`. Write only through this object.
   */
  readonly output: OutputFlow;
  readonly #type: WritableType<Value, Place, Form>;
  readonly #waits: boolean;
  /**
   * The last of the writes and reservations that wait, each behind the one before: a slot has one
   * writer.
   */
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #slot: object | undefined;

  constructor(
    type: WritableType<Value, Place, Form>,
    output: OutputFlow,
    whenFull: OutputFlowOptions['whenFull'] = 'block',
  ) {
    this.#type = type;
    this.output = output;
    this.#waits = whenFull === 'block';
  }

  /** Bytes a buffer can hold, metadata included. */
  get bufferSize(): number {
    return this.output.bufferSize;
  }

  /**
   * Writes one value, encoded into the next slot itself. Without credit the flow's policy decides,
   * as for `OutputFlow.write`; while `block` waits, the value must not change. Resolves with false
   * when the policy dropped or replaced a buffer. Rejects with TOO_LARGE or BAD_OPTION for a value
   * that cannot be written, BAD_OPTION while a reserved slot is not committed, CLOSED.
   */
  async write(value: Value, options: WaitOptions = {}): Promise<boolean> {
    this.#checkFree();
    const slot = this.#waiting === 0 ? this.output.reserveNow() : undefined;
    if (slot !== undefined) {
      slot.commit(this.#encode(value, slot.data));
      return true;
    }
    if (!this.#waits) {
      const bytes = Buffer.allocUnsafe(this.bufferSize);
      return this.output.write(bytes.subarray(0, this.#encode(value, bytes)), options);
    }
    return this.#inTurn(async () => {
      const reserved = await this.output.reserve(options);
      this.#checkFree();
      reserved.commit(this.#encode(value, reserved.data));
      return true;
    });
  }

  /**
   * Reserves the next slot as soon as there is credit, with a value in it to fill: for an array,
   * the typed array of this shape (default: the declared one, or the largest that fits). Rejects
   * with BAD_OPTION for a type whose values cannot be filled in place, TOO_LARGE, CLOSED.
   */
  async reserve(form?: Form, options: WaitOptions = {}): Promise<TypedSlot<Place>> {
    return this.#inTurn(async () => this.#place(await this.output.reserve(options), form));
  }

  /** Reserves without waiting: undefined without credit, or while other writers wait. */
  reserveNow(form?: Form): TypedSlot<Place> | undefined {
    if (this.#waiting > 0) return undefined;
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
  async close(): Promise<void> {
    await this.#last;
    await this.output.close();
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

  #place(slot: OutputSlot, form: Form | undefined): TypedSlot<Place> {
    const placed = this.#type.place?.(slot.data, form);
    if (placed === undefined) {
      const message = `a value of type ${this.#type.name} cannot be filled in place: use write()`;
      throw new MirrorflowError('BAD_OPTION', message);
    }
    const { value, bytes } = placed;
    const owner = {};
    this.#slot = owner;
    const end = (): void => {
      if (this.#slot !== owner) {
        throw new MirrorflowError(
          'BAD_OPTION',
          'this slot was committed or given up already; reserve one first',
        );
      }
      this.#slot = undefined;
    };
    return {
      value,
      commit: (options) => {
        end();
        slot.commit(bytes, options);
      },
      giveUp: end,
    };
  }

  #checkFree(): void {
    if (this.#slot === undefined) return;
    throw new MirrorflowError('BAD_OPTION', 'a slot is reserved; commit it or give it up before writing');
  }

  #inTurn<T>(job: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const done = this.#last.then(job).finally(() => {
      this.#waiting -= 1;
    });
    this.#last = done.catch(() => undefined);
    return done;
  }
}
