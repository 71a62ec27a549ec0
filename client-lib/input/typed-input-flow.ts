/**
 * An input flow whose takes return the buffer objects of a flow type (what the bytes of a flow
 * mean: JSON, arrays, ...). `Client.openInput` returns it when its `type` is an object. Does no
 * I/O.
 */
import type { FlowBuffer } from './flow-buffer.js';
import type { InputFlow } from './input-flow.js';
import type { TakeOptions } from './take-queue.js';
import type { FlowType, Layer } from '../types/flow-type.js';

/** A flow type as consumers need it: the values it writes do not matter. */
export type ReadableType<Buffer extends Layer> = FlowType<never, Buffer, unknown, never>;

/**
 * Takes as InputFlow does, in its order and with its rules of borrowing. A buffer with wrong bytes
 * has an `error`; the flow continues.
 */
export class TypedInputFlow<Buffer extends Layer> implements AsyncIterable<Buffer> {
  /** The untyped flow: its events, `grow`, `shrink`, `sourceState`. */
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

  /** Buffers of the history that are empty. */
  get free(): number {
    return this.input.free;
  }

  /** Buffers lost since the flow was opened. */
  get lost(): number {
    return this.input.lost;
  }

  /** No take will return a buffer any more. */
  get ended(): boolean {
    return this.input.ended;
  }

  /**
   * The next buffer, waiting for it; undefined after the timeout or at the end of the flow.
   */
  async take(options: TakeOptions = {}): Promise<Buffer | undefined> {
    return this.#decode(await this.input.take(options));
  }

  /** The next buffer if one is ready. */
  takeNow(): Buffer | undefined {
    return this.#decode(this.input.takeNow());
  }

  /** The next buffer, blocking this thread for up to `timeoutMs` milliseconds. */
  takeSync(timeoutMs: number): Buffer | undefined {
    return this.#decode(this.input.takeSync(timeoutMs));
  }

  /** All ready buffers, oldest first, up to `limit`. Borrowed together until the next take. */
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

  #decode(buffer: FlowBuffer | undefined): Buffer | undefined {
    return buffer === undefined ? undefined : this.#type.decode(buffer);
  }
}
