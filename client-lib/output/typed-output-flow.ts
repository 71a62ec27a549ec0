/**
 * An output flow that is written in values of a flow type: encoded straight into the reserved slot,
 * or filled in place.
 */
import { MirrorflowError, describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { OutputFlow } from './output-flow.js';
import type { CommitOptions, OutputSlot, WaitOptions } from './output-slot.js';
import type { OutputFlowOptions } from './output-options.js';
import type { FlowType, Layer } from '../types/flow-type.js';
import { encodedBytes, stackIdentity } from '../types/stack.js';

/** What a provider's program needs of a type: what reading it gives does not matter. */
export type WritableType<Value, Place, Form> = FlowType<Value, Layer, Place, Form>;

export interface TypedOutputOptions<Value, Place, Form> extends Omit<
  OutputFlowOptions,
  'type' | 'properties' | 'bufferSize'
> {
  readonly type: WritableType<Value, Place, Form>;
  /** Bytes of one buffer in the flow, metadata of all layers included. */
  readonly bufferSize?: number;
  /**
   * Instead of it: the largest payload in bytes, metadata not counted. Neither is needed for a type
   * that states its own size.
   */
  readonly maxBytes?: number;
}

/**
 * The untyped options that a type and its sizes come to. Throws BAD_OPTION when no size is known,
 * or the type cannot be named.
 */
export function untypedOutputOptions<Value, Place, Form>(
  options: TypedOutputOptions<Value, Place, Form>,
): OutputFlowOptions & { readonly type: string } {
  const { type, maxBytes = type.payloadBytes, bufferSize: stated, ...rest } = options;
  const { type: name, properties } = stackIdentity(type);
  const bufferSize = stated ?? (maxBytes === undefined ? undefined : encodedBytes(type, maxBytes));
  if (bufferSize === undefined) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `a flow of type ${name} has buffers of any size: say in maxBytes how large a value can become, or state bufferSize`,
      { option: 'maxBytes' },
    );
  }
  return { ...rest, bufferSize, type: name, properties };
}

/** A reserved slot with a value in it that is filled in place: the mapped file itself. */
export interface TypedSlot<Place> {
  /** Holds old data until it is filled; the provider's until `commit`. */
  readonly value: Place;
  /**
   * Gives the buffer to the consumers. Throws BAD_OPTION when the slot was committed, given up or
   * reserved again.
   */
  commit(options?: CommitOptions): void;
  /** Writes nothing: the slot can be reserved again. */
  giveUp(): void;
}

export class TypedOutputFlow<Value, Place = never, Form = never> {
  /**
   * The flow underneath: its events, `free`, `next`, `lost`, `flush`. Not to be written to beside
   * this object.
   */
  readonly output: OutputFlow;
  readonly #type: WritableType<Value, Place, Form>;
  readonly #waits: boolean;
  /**
   * Writes and reservations that wait for a slot, each behind the one before: a slot is one
   * writer's.
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
   * when it was lost to the policy. Rejects with TOO_LARGE or BAD_OPTION for a value that cannot be
   * written, BAD_OPTION while a reserved slot is not committed, CLOSED.
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
   * Reserves the next slot as soon as there is one, and gives a value in it to fill: for an array,
   * the typed array of this shape (default: the declared one, or what fits). Rejects with
   * BAD_OPTION for a type whose values cannot lie in a slot as they are, TOO_LARGE, CLOSED.
   */
  async reserve(form?: Form, options: WaitOptions = {}): Promise<TypedSlot<Place>> {
    return this.#inTurn(async () => this.#place(await this.output.reserve(options), form));
  }

  /** The same without waiting: undefined when there is no credit, or others wait. */
  reserveNow(form?: Form): TypedSlot<Place> | undefined {
    if (this.#waiting > 0) return undefined;
    const slot = this.output.reserveNow();
    return slot === undefined ? undefined : this.#place(slot, form);
  }

  /** Publishes what was written in this turn now, instead of at its end. */
  flush(): void {
    this.output.flush();
  }

  /** Waits until everything written has room, publishes it, and leaves the seat. Idempotent. */
  async close(): Promise<void> {
    await this.#last;
    await this.output.close();
  }

  /** Leaves at once; what waits is given up. Idempotent. */
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
    throw new MirrorflowError('BAD_OPTION', 'a slot is reserved: commit it or give it up before writing');
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
