/**
 * The buffers of an input flow as a program gets them: borrowed by a take (a view of memory that is
 * reused after the release), passed to a poll handler (a view, valid during the call), or copied
 * (the program's own memory). Created by InputFlow and its engines; part of the public surface. No
 * I/O; `release` and `stillValid` call the owner of the memory.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { GENERATION_SHIFT, TYPE_FLAGS_MASK } from '../../protocol/flow/flow-file/layout.js';
import type { BorrowedBytes } from '../types/borrowed-bytes.js';

/** Memory that a buffer was borrowed from; `token` is the owner's number for the buffer. */
export interface BufferOwner {
  release(token: number, buffer: FlowBuffer): void;
  stillValid(token: number, buffer: FlowBuffer): boolean;
}

/**
 * Mask of the flow type's part of a slot's flags. Computed once: a power per buffer would cost more
 * than the rest of a take.
 */

/** The part of a slot's flags that belongs to the flow type. */
export function typeFlags(slotFlags: number): number {
  return slotFlags & TYPE_FLAGS_MASK;
}

/** The generation of the provider that wrote a slot. */
export function generationOf(slotFlags: number): number {
  return slotFlags >>> GENERATION_SHIFT;
}

/**
 * Valid until `release()` or the next take of its flow (`take`, `takeNow`, `takeSync`, `takeAll`, a
 * step of `for await`), whichever comes first: the next take releases the buffers of earlier ones.
 * A buffer of a `for await` loop is valid until that loop's next step instead, so several loops can
 * share a flow. `copy()` keeps the data.
 */
export class FlowBuffer {
  /** Counts the buffers of a flow from 0 within an epoch. */
  readonly sequence: number;
  /** Changes whenever the sequences start again. */
  readonly epoch: number;
  /** Time of the provider's commit: wall-clock nanoseconds since 1970, to 256 ns. */
  readonly timestampNs: number;
  /** Size of the payload, bytes. */
  readonly size: number;
  /** 0 to 65,535; meaning defined by the flow type. */
  readonly flags: number;
  /**
   * Number of the provider that wrote the buffer, from 1; 0 for a flow that its duplicator fills.
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
    slotFlags: number,
  ) {
    this.sequence = sequence;
    this.epoch = epoch;
    this.timestampNs = timestampNs;
    this.size = data.length;
    this.flags = typeFlags(slotFlags);
    this.generation = generationOf(slotFlags);
    this.#data = data;
    this.#token = token;
    this.#owner = owner;
  }

  /** The payload in place, `size` bytes, to be read only. Throws CLOSED once released. */
  get data(): BorrowedBytes {
    return this.bytes;
  }

  /**
   * Memory of `data`, for APIs that take a Uint8Array and only read it, such as
   * `socket.write`. A write to it ends the process when the flow is inline. Throws CLOSED once
   * released.
   */
  get bytes(): Uint8Array {
    if (this.#owner !== undefined) return this.#data;
    throw new MirrorflowError(
      'CLOSED',
      `buffer ${this.sequence} was released: use it before the next take, or keep a copy()`,
      { sequence: this.sequence },
    );
  }

  /** Whether the buffer was given back; its bytes may be others then. */
  get released(): boolean {
    return this.#owner === undefined;
  }

  /**
   * The payload in new memory. With an inline lossy flow check `stillValid()` afterwards. Throws
   * CLOSED once released.
   */
  copy(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.bytes);
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

const NO_BYTES = new Uint8Array(0);

/**
 * The buffer of a poll handler: one object per flow, filled again for every buffer, so that nothing
 * is allocated per buffer. Valid during the call.
 */
export class PolledBuffer {
  /** Counts the buffers of a flow from 0 within an epoch. */
  sequence = 0;
  /** Changes whenever the sequences start again. */
  epoch = 0;
  /** Time of the provider's commit: wall-clock nanoseconds since 1970, to 256 ns. */
  timestampNs = 0;
  /** Size of the payload, bytes. */
  size = 0;
  /** 0 to 65,535; meaning defined by the flow type. */
  flags = 0;
  /**
   * Number of the provider that wrote the buffer, from 1; 0 for a flow that its duplicator fills.
   */
  generation = 0;
  /** Memory of `data`, for APIs that take a Uint8Array and only read it. */
  bytes: Uint8Array = NO_BYTES;

  /** The payload in place, `size` bytes, to be read only. */
  get data(): BorrowedBytes {
    return this.bytes;
  }

  /** The payload in new memory. */
  copy(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.bytes);
  }
}

/** A copy of a buffer of a flow: its `data` are the program's own, and stay as they are. */
export class OwnedBuffer {
  /** Counts the buffers of a flow from 0 within an epoch. */
  readonly sequence: number;
  /** Changes whenever the sequences start again. */
  readonly epoch: number;
  /** Time of the provider's commit: wall-clock nanoseconds since 1970, to 256 ns. */
  readonly timestampNs: number;
  /** Size of the payload, bytes. */
  readonly size: number;
  /** 0 to 65,535; meaning defined by the flow type. */
  readonly flags: number;
  /**
   * Number of the provider that wrote the buffer, from 1; 0 for a flow that its duplicator fills.
   */
  readonly generation: number;
  /** The bytes, a copy that belongs to the program. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** Always false: there is nothing to give back. */
  readonly released = false;

  /** Throws CLOSED when the buffer was released. */
  constructor(buffer: FlowBuffer) {
    this.sequence = buffer.sequence;
    this.epoch = buffer.epoch;
    this.timestampNs = buffer.timestampNs;
    this.size = buffer.size;
    this.flags = buffer.flags;
    this.generation = buffer.generation;
    this.data = buffer.copy();
  }

  /** The bytes of `data`. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.data;
  }

  /** Always true. */
  stillValid(): boolean {
    return true;
  }

  /** Does nothing: the memory is the program's. */
  release(): void {}
}
