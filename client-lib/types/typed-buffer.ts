/**
 * The base class of the buffer objects of all flow types: the value of a buffer's bytes,
 * interpreted on first access, or the error of wrong bytes. Extended by the provided types and by
 * programs; part of the public surface. Pure: no I/O.
 */
import { MirrorflowError, describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { BorrowedBytes } from './borrowed-bytes.js';
import type { Layer } from './flow-type.js';

type Outcome<Value> =
  | { readonly sound: true; readonly value: Value }
  | { readonly sound: false; readonly error: MirrorflowError };

/**
 * Borrowed like the FlowBuffer that it reads: valid until `release()` or the next take of its flow.
 * `copy()` keeps the value. Bytes that do not match the type affect this buffer alone: `error` has
 * the reason, `value` throws it, and the flow continues.
 */
export abstract class TypedBuffer<Value> implements Layer {
  /** The outer layer, or the borrowed buffer of the flow. */
  protected readonly below: Layer;
  #outcome: Outcome<Value> | undefined;

  constructor(below: Layer) {
    this.below = below;
  }

  /**
   * The value of these bytes, a view where the layer allows it. May throw anything for bytes that
   * do not match the type; must bound the memory that it allocates.
   */
  protected abstract interpret(bytes: Uint8Array): Value;

  /** The value, interpreted once. Throws `error` if the bytes do not match the type. */
  get value(): Value {
    const outcome = this.#interpreted();
    if (outcome.sound) return outcome.value;
    throw outcome.error;
  }

  /**
   * BAD_MESSAGE when the bytes do not match the type, CLOSED once released; undefined for a sound
   * buffer.
   */
  get error(): MirrorflowError | undefined {
    const outcome = this.#interpreted();
    return outcome.sound ? undefined : outcome.error;
  }

  /**
   * The value in new memory. With an inline lossy flow check `stillValid()` afterwards. Throws as
   * `value` does.
   */
  copy(): Value {
    try {
      return this.interpret(new Uint8Array(this.below.bytes));
    } catch (error) {
      throw this.#errorOf(error);
    }
  }

  get data(): BorrowedBytes {
    return this.bytes;
  }

  get bytes(): Uint8Array {
    return this.below.bytes;
  }

  get sequence(): number {
    return this.below.sequence;
  }

  /** Epoch of the flow. */
  get epoch(): number {
    return this.below.epoch;
  }

  /** Time of the provider's commit: wall-clock nanoseconds since 1970, to 256 ns. */
  get timestampNs(): number {
    return this.below.timestampNs;
  }

  get size(): number {
    return this.below.size;
  }

  /** Flags that the provider set. */
  get flags(): number {
    return this.below.flags;
  }

  /** Whether the buffer was given back. */
  get released(): boolean {
    return this.below.released;
  }

  /**
   * False when the memory holds other data; data that were read before a true answer are whole.
   */
  stillValid(): boolean {
    return this.below.stillValid();
  }

  /** Returns the memory to the flow. Idempotent. */
  release(): void {
    this.below.release();
  }

  #interpreted(): Outcome<Value> {
    if (this.#outcome !== undefined && !this.released) return this.#outcome;
    try {
      this.#outcome = { sound: true, value: this.interpret(this.below.bytes) };
    } catch (error) {
      this.#outcome = { sound: false, error: this.#errorOf(error) };
    }
    return this.#outcome;
  }

  #errorOf(thrown: unknown): MirrorflowError {
    if (isMirrorflowError(thrown, 'CLOSED')) return thrown;
    const { sequence } = this;
    if (!this.stillValid()) {
      // The wrong bytes are those of another buffer that is being written.
      const message = `buffer ${sequence} was overwritten by the provider while it was read`;
      return new MirrorflowError('CLOSED', message, { sequence }, thrown);
    }
    if (isMirrorflowError(thrown, 'BAD_MESSAGE') && thrown.facts['sequence'] === sequence) return thrown;
    const message = `the bytes of buffer ${sequence} do not match the flow type: ${describeError(thrown)}`;
    return new MirrorflowError('BAD_MESSAGE', message, { sequence }, thrown);
  }
}
