/** A buffer that a flow has lent to its user: its data are views of memory that is used again. */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { GENERATION_SHIFT } from '../../protocol/flow/flow-file/layout.js';

/** Who lent the buffer; the token is the lender's own name for it. */
export interface Lender {
  giveBack(token: number, buffer: FlowBuffer): void;
  stillValid(token: number, buffer: FlowBuffer): boolean;
}

/** A power computed with every buffer would cost more than all the rest of it. */
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
 * step of `for await`), whichever comes first: the next take releases what earlier ones delivered.
 * `copy()` keeps the data.
 */
export class FlowBuffer {
  /** Counts the buffers of a flow from 0 within an epoch. */
  readonly sequence: number;
  /** Changes whenever the sequences start again. */
  readonly epoch: number;
  /** Wall-clock nanoseconds since 1970 when the provider committed it, to 256 ns. */
  readonly timestampNs: number;
  /** Bytes. */
  readonly size: number;
  /** Of the flow type, 0 to 65,535. */
  readonly flags: number;
  /**
   * Which provider of the flow wrote it, counted from 1; 0 for a flow that its duplicator fills.
   */
  readonly generation: number;
  readonly #data: Uint8Array;
  readonly #token: number;
  #lender: Lender | undefined;

  constructor(
    lender: Lender,
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
    this.#lender = lender;
  }

  /** The payload in place, `size` bytes, not to be written to. Throws CLOSED once released. */
  get data(): Uint8Array {
    if (this.#lender !== undefined) return this.#data;
    throw new MirrorflowError(
      'CLOSED',
      `buffer ${this.sequence} was released: use it before the next take, or keep a copy()`,
      { sequence: this.sequence },
    );
  }

  get released(): boolean {
    return this.#lender === undefined;
  }

  /**
   * The payload in memory of its own. Of an inline lossy flow ask `stillValid()` afterwards. Throws
   * CLOSED once released.
   */
  copy(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.data);
  }

  /**
   * False when the data are not this buffer's any more: released, or, for an inline flow, taken
   * back by the writer. Whatever was read before a true answer is whole.
   */
  stillValid(): boolean {
    return this.#lender?.stillValid(this.#token, this) ?? false;
  }

  /** Gives the buffer back to its flow. Idempotent. */
  release(): void {
    const lender = this.#lender;
    this.#lender = undefined;
    lender?.giveBack(this.#token, this);
  }
}
