/**
 * Copies the buffers of a flow to a byte sink, without a copy in memory where that is safe.
 *
 * `mirrorflow receive` uses it with standard output. A buffer is released when it is written, so a
 * slow reader of the stream slows the flow's provider down (back-pressure).
 */
import type { FlowBuffer, InputFlow } from '../../client-lib/index.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import type { Transferred } from './progress.js';
import { StreamEnd, type Ending } from './stream-end.js';

/**
 * Writes bytes, which must not change until it resolves. Resolves with false when the reader has
 * closed the stream.
 */
export type Sink = (bytes: Uint8Array) => Promise<boolean>;

/**
 * Why a reception ended. `detached`: the flow was not reattached, or began again. `unread`: the
 * reader closed the stream. `count`: the requested number of buffers was received.
 */
export type ReceptionEnd = Ending | 'count' | 'detached' | 'unread' | 'interrupted';

export interface ReceptionOptions {
  /** Continue with the next provider. */
  readonly follow: boolean;
  /** Wait for the next provider when the flow has none. */
  readonly wait: boolean;
  /** Number of buffers to receive; Infinity for all. */
  readonly count: number;
  readonly signal: AbortSignal;
}

/** Buffers up to this size are collected and written together. */
const DIRECT_BYTES = 32 * 1024;
/** Bytes that are written together at most, and buffers that are taken in one turn. */
const TOGETHER_BYTES = 256 * 1024;
const BATCH_BUFFERS = 256;
/** A killed duplicator is replaced within a second; a requested restart takes longer. */
const REATTACHMENT_MS = 10_000;

export class FlowReceiver implements Transferred {
  readonly #flow: InputFlow;
  readonly #sink: Sink;
  readonly #options: ReceptionOptions;
  readonly #end: StreamEnd | undefined;
  readonly #together = Buffer.allocUnsafe(TOGETHER_BYTES);
  readonly #wake = (): void => this.#pendingTake?.abort();
  #pendingTake: AbortController | undefined;
  #filled = 0;
  #attached = true;
  /** The flow cannot be continued. */
  #detached = false;
  #reattachment: NodeJS.Timeout | undefined;
  #torn = 0;
  buffers = 0;
  bytes = 0;

  /**
   * To be called in the turn in which the flow was opened: later a change of state may be missed.
   */
  constructor(flow: InputFlow, sink: Sink, options: ReceptionOptions) {
    this.#flow = flow;
    this.#sink = sink;
    this.#options = options;
    const { sourceState: state, sourceGeneration: generation } = flow;
    this.#end = options.follow ? undefined : new StreamEnd({ state, generation, next: options.wait });
    flow.on('state', (sourceState, sourceGeneration) => {
      this.#end?.update(sourceState, sourceGeneration);
      this.#wake();
    });
    flow.on('detached', () => this.#awaitReattachment());
    // Sequences of another epoch: what was not received of the one before is lost.
    flow.on('restarted', () => {
      this.#detached = !options.follow;
      this.#wake();
    });
    flow.on('end', this.#wake);
  }

  /** To be called when the flow has reattached to another duplicator. */
  reattached(): void {
    this.#attached = true;
    if (this.#flow.sourceState === 'live') this.#end?.update('live', this.#flow.sourceGeneration);
    this.#wake();
  }

  /** The flow reattaches to the next duplicator, and so does its provider, within this time. */
  #awaitReattachment(): void {
    if (this.#options.follow) return;
    this.#attached = false;
    this.#end?.detached();
    clearTimeout(this.#reattachment);
    this.#reattachment = setTimeout(() => {
      if (this.#attached) this.#end?.reattachmentOver();
      else this.#detached = true;
      this.#wake();
    }, REATTACHMENT_MS);
    this.#wake();
  }

  get lost(): number {
    return this.#flow.lost + this.#torn;
  }

  /** Resolves with the reason when reception ends; rejects with errors of the flow or the sink. */
  async run(): Promise<ReceptionEnd> {
    const { signal } = this.#options;
    signal.addEventListener('abort', this.#wake);
    try {
      for (;;) {
        const end = await this.#step();
        if (end !== undefined) return end;
      }
    } finally {
      signal.removeEventListener('abort', this.#wake);
      clearTimeout(this.#reattachment);
    }
  }

  async #step(): Promise<ReceptionEnd | undefined> {
    const { signal, count } = this.#options;
    if (signal.aborted) return 'interrupted';
    if (this.buffers >= count) return 'count';
    // Read before `takeAll`, which then returns everything that was published before the end.
    const end = this.#end?.ending ?? (this.#detached || this.#flow.ended ? 'detached' : undefined);
    const ready = this.#flow.takeAll(Math.min(BATCH_BUFFERS, count - this.buffers));
    if (ready.length === 0 && end !== undefined) return end;
    const next = ready.length > 0 ? undefined : await this.#takeNext();
    const written = await this.#write(next === undefined ? ready : [next]);
    return written === 'unread' && signal.aborted ? 'interrupted' : written;
  }

  /** The next buffer; undefined after a change of state or the end of the flow. */
  async #takeNext(): Promise<FlowBuffer | undefined> {
    this.#pendingTake = new AbortController();
    try {
      return await this.#flow.take({ signal: this.#pendingTake.signal });
    } catch (error) {
      if (isMirrorflowError(error, 'CLOSED')) return undefined;
      throw error;
    } finally {
      this.#pendingTake = undefined;
    }
  }

  async #write(buffers: readonly FlowBuffer[]): Promise<ReceptionEnd | undefined> {
    for (const buffer of buffers) {
      const place = this.#end?.place(buffer.generation) ?? 'this';
      if (place === 'later') return (await this.#flush()) ? (this.#end?.ending ?? 'died') : 'unread';
      if (place === 'this' && !(await this.#put(buffer))) return 'unread';
      buffer.release();
    }
    return (await this.#flush()) ? undefined : 'unread';
  }

  async #put(buffer: FlowBuffer): Promise<boolean> {
    const { size } = buffer;
    if (size > TOGETHER_BYTES - this.#filled && !(await this.#flush())) return false;
    if (size > (this.#isLossy ? TOGETHER_BYTES : DIRECT_BYTES)) return this.#putAlone(buffer);
    this.#together.set(buffer.bytes, this.#filled);
    if (this.#isWhole(buffer)) this.#filled += size;
    return true;
  }

  /**
   * Whether buffers may be overwritten while they are being written: opened as lossy, or made lossy
   * after a stall.
   */
  get #isLossy(): boolean {
    return this.#flow.delivery === 'lossy';
  }

  async #putAlone(buffer: FlowBuffer): Promise<boolean> {
    if (!(await this.#flush())) return false;
    const bytes = this.#isLossy ? buffer.copy() : buffer.bytes;
    return !this.#isWhole(buffer) || this.#sink(bytes);
  }

  /** Counts a buffer as received, or as lost when it was overwritten before it was read. */
  #isWhole(buffer: FlowBuffer): boolean {
    if (!buffer.stillValid()) {
      this.#torn += 1;
      return false;
    }
    this.buffers += 1;
    this.bytes += buffer.size;
    return true;
  }

  async #flush(): Promise<boolean> {
    if (this.#filled === 0) return true;
    const bytes = this.#together.subarray(0, this.#filled);
    this.#filled = 0;
    return this.#sink(bytes);
  }
}
