/** An input flow whose takes give a flow type's Buffer objects. */
import type { FlowBuffer } from './flow-buffer.js';
import type { InputFlow } from './input-flow.js';
import type { TakeOptions } from './take-queue.js';
import type { FlowType, Layer } from '../types/flow-type.js';

/** What a consumer's program needs of a type: what it writes does not matter. */
export type ReadableType<Buffer extends Layer> = FlowType<never, Buffer, unknown, never>;

/**
 * Takes as an InputFlow does, in its order and with its rules of lending; buffers that are not
 * sound say so themselves.
 */
export class TypedInputFlow<Buffer extends Layer> implements AsyncIterable<Buffer> {
  /** The flow underneath: its events, `grow`, `shrink`, `sourceState`. */
  readonly input: InputFlow;
  readonly #type: ReadableType<Buffer>;

  constructor(type: ReadableType<Buffer>, input: InputFlow) {
    this.#type = type;
    this.input = input;
  }

  /** Buffers that can be taken at once. */
  get ready(): number {
    return this.input.ready;
  }

  /** Buffers of the history that can still be filled. */
  get free(): number {
    return this.input.free;
  }

  /** Buffers that this flow did not get since it was opened. */
  get lost(): number {
    return this.input.lost;
  }

  /** No take will ever give a buffer again. */
  get ended(): boolean {
    return this.input.ended;
  }

  /**
   * The next buffer, waiting for it; undefined when the time was over or the flow is at its end.
   */
  async take(options: TakeOptions = {}): Promise<Buffer | undefined> {
    return this.#typed(await this.input.take(options));
  }

  /** The next buffer if one is ready. */
  takeNow(): Buffer | undefined {
    return this.#typed(this.input.takeNow());
  }

  /** The next buffer, blocking this thread for up to `timeoutMs` milliseconds. */
  takeSync(timeoutMs: number): Buffer | undefined {
    return this.#typed(this.input.takeSync(timeoutMs));
  }

  /** All buffers that are ready, oldest first; up to `limit`. Lent together until the next take. */
  takeAll(limit?: number): Buffer[] {
    return this.input.takeAll(limit).map((buffer) => this.#type.decode(buffer));
  }

  /** The newest ready buffers, up to `count`, oldest first, without taking them. */
  newest(count?: number): Buffer[] {
    return this.input.newest(count).map((buffer) => this.#type.decode(buffer));
  }

  /** Takes until the flow is at its end. Each step releases the buffer of the step before. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for await (const buffer of this.input) yield this.#type.decode(buffer);
  }

  /** Ends at once. Idempotent. */
  close(): Promise<void> {
    return this.input.close();
  }

  #typed(buffer: FlowBuffer | undefined): Buffer | undefined {
    return buffer === undefined ? undefined : this.#type.decode(buffer);
  }
}
