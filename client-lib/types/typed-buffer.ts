/**
 * The base of every type's Buffer class: the value over the bytes, made when it is first asked for,
 * and what is wrong with it.
 */
import { MirrorflowError, describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { Layer } from './flow-type.js';

type Outcome<Value> =
  | { readonly sound: true; readonly value: Value }
  | { readonly sound: false; readonly error: MirrorflowError };

/**
 * Lent like the FlowBuffer it stands on: valid until `release()` or the next take of its flow.
 * `copy()` keeps the value. Bytes that are not what the type promises concern this buffer alone:
 * `error` says so, `value` throws it, and the flow goes on.
 */
export abstract class TypedBuffer<Value> implements Layer {
  /** What the layer outside gives. */
  protected readonly below: Layer;
  #outcome: Outcome<Value> | undefined;

  constructor(below: Layer) {
    this.below = below;
  }

  /**
   * The value of these bytes, a view where the layer allows it. Throws anything for bytes that are
   * none; must be bounded in memory.
   */
  protected abstract interpret(bytes: Uint8Array): Value;

  /** The value: interpreted once, then the same. Throws `error` where there is one. */
  get value(): Value {
    const outcome = this.#look();
    if (outcome.sound) return outcome.value;
    throw outcome.error;
  }

  /**
   * BAD_MESSAGE when the bytes are not what the type promises, CLOSED once released; undefined for
   * a sound buffer.
   */
  get error(): MirrorflowError | undefined {
    const outcome = this.#look();
    return outcome.sound ? undefined : outcome.error;
  }

  /**
   * The value in memory of its own. Of an inline lossy flow ask `stillValid()` afterwards. Throws
   * as `value` does.
   */
  copy(): Value {
    try {
      return this.interpret(new Uint8Array(this.below.data));
    } catch (error) {
      throw this.#errorOf(error);
    }
  }

  get data(): Uint8Array {
    return this.below.data;
  }

  get sequence(): number {
    return this.below.sequence;
  }

  get epoch(): number {
    return this.below.epoch;
  }

  /** Wall-clock nanoseconds since 1970 when the provider committed it, to 256 ns. */
  get timestampNs(): number {
    return this.below.timestampNs;
  }

  get size(): number {
    return this.below.size;
  }

  get flags(): number {
    return this.below.flags;
  }

  get released(): boolean {
    return this.below.released;
  }

  /**
   * False when the bytes are not this buffer's any more; whatever was read before a true answer is
   * whole.
   */
  stillValid(): boolean {
    return this.below.stillValid();
  }

  /** Gives the buffer back to its flow. Idempotent. */
  release(): void {
    this.below.release();
  }

  #look(): Outcome<Value> {
    if (this.#outcome !== undefined && !this.released) return this.#outcome;
    try {
      this.#outcome = { sound: true, value: this.interpret(this.below.data) };
    } catch (error) {
      this.#outcome = { sound: false, error: this.#errorOf(error) };
    }
    return this.#outcome;
  }

  #errorOf(thrown: unknown): MirrorflowError {
    if (isMirrorflowError(thrown, 'CLOSED')) return thrown;
    const { sequence } = this;
    if (!this.stillValid()) {
      // What looked like garbage was another buffer, being written.
      const message = `buffer ${sequence} was taken back by the writer while it was read`;
      return new MirrorflowError('CLOSED', message, { sequence }, thrown);
    }
    if (isMirrorflowError(thrown, 'BAD_MESSAGE') && thrown.facts['sequence'] === sequence) return thrown;
    const message = `buffer ${sequence} is not what its flow type promises: ${describeError(thrown)}`;
    return new MirrorflowError('BAD_MESSAGE', message, { sequence }, thrown);
  }
}
