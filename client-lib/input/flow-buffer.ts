/**
 * A buffer that a program has borrowed from an input flow by a take: its data are a view of memory
 * that is reused after the release. Created by both engines; part of the public surface. Pure.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { GENERATION_SHIFT } from '../../protocol/flow/flow-file/layout.js';

/** Memory that a buffer was borrowed from; `token` is the owner's number for the buffer. */
export interface BufferOwner {
  release(token: number, buffer: FlowBuffer): void;
  stillValid(token: number, buffer: FlowBuffer): boolean;
}

/** Computed once: a power per buffer would cost more than the rest of a take. */
const TYPE_FLAGS = 2 ** GENERATION_SHIFT - 1;

/** The part of a slot's flags that belongs to the flow type. */
export function typeFlags(slotFlags: number): number {
  return slotFlags & TYPE_FLAGS;
}

/** The generation of the provider that wrote a slot. */
export function generationOf(slotFlags: number): number {
  return slotFlags >>> GENERATION_SHIFT;
}

/**
 * Valid until `release()` or the next take of its flow (`take`, `takeNow`, `takeSync`, `takeAll`, a
 * step of `for await`), whichever comes first: the next take releases the buffers of earlier ones.
 * `copy()` keeps the data.
 */
export class FlowBuffer {
  /** Counts the buffers of a flow from 0 within an epoch. */
  readonly sequence: number;
  /** Changes whenever the sequences start again. */
  readonly epoch: number;
  /** Time of the provider's commit: wall-clock nanoseconds since 1970, to 256 ns. */
  readonly timestampNs: number;
  /** Bytes. */
  readonly size: number;
  /** 0 to 65,535; meaning defined by the flow type. */
  readonly flags: number;
  /**
   * Number of the provider that wrote it, from 1; 0 for a flow that its duplicator fills.
   */
  readonly generation: number;
  readonly #data: Uint8Array;
  readonly #token: number;
  #owner: BufferOwner | undefined;

  constructor(
    owner: BufferOwner,
    token: number,
    data: Uint8Array,
    sequence: number,
    epoch: number,
    timestampNs: number,
    flags: number,
  ) {
    this.sequence = sequence;
    this.epoch = epoch;
    this.timestampNs = timestampNs;
    this.size = data.length;
    this.flags = typeFlags(flags);
    this.generation = generationOf(flags);
    this.#data = data;
    this.#token = token;
    this.#owner = owner;
  }

  /** The payload in place, `size` bytes, not to be written to. Throws CLOSED once released. */
  get data(): Uint8Array {
    if (this.#owner !== undefined) return this.#data;
    throw new MirrorflowError(
      'CLOSED',
      `buffer ${this.sequence} was released: use it before the next take, or keep a copy()`,
      { sequence: this.sequence },
    );
  }

  get released(): boolean {
    return this.#owner === undefined;
  }

  /**
   * The payload in new memory. With an inline lossy flow check `stillValid()` afterwards. Throws
   * CLOSED once released.
   */
  copy(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.data);
  }

  /**
   * False when the memory holds other data: after the release or, with an inline lossy flow, when
   * the provider has overwritten it. Data that were read before a true answer are whole.
   */
  stillValid(): boolean {
    return this.#owner?.stillValid(this.#token, this) ?? false;
  }

  /** Returns the memory to the flow. Idempotent. */
  release(): void {
    const owner = this.#owner;
    this.#owner = undefined;
    owner?.release(this.#token, this);
  }
}
