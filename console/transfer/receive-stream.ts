/**
 * Reads an inline flow into a stream, in place where that is safe. A buffer is given back when it
 * is written, so that a reader of the stream that is slow slows the flow's provider down.
 */
import type { FlowBuffer, InputFlow } from '../../client-lib/index.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import type { Transferred } from './progress.js';
import { StreamEnd, type Ending } from './stream-end.js';

/** Takes bytes that stay as they are until it resolves; false when nobody takes any more. */
export type Sink = (bytes: Uint8Array) => Promise<boolean>;

/** `gone`: the duplicator ended or was replaced. `unread`: nobody reads the stream any more. */
export type ReceptionEnd = Ending | 'count' | 'gone' | 'unread' | 'interrupted';

export interface ReceptionOptions {
  /** Goes on with the next provider. */
  readonly follow: boolean;
  /** Where no provider is there now, waits for the next one. */
  readonly wait: boolean;
  /** Buffers after which it ends; Infinity for all. */
  readonly count: number;
  readonly signal: AbortSignal;
}

/** Smaller buffers are written together. */
const DIRECT_BYTES = 32 * 1024;
const TOGETHER_BYTES = 256 * 1024;
const BATCH_BUFFERS = 256;

export class Reception implements Transferred {
  readonly #flow: InputFlow;
  readonly #sink: Sink;
  readonly #options: ReceptionOptions;
  readonly #end: StreamEnd | undefined;
  readonly #together = Buffer.allocUnsafe(TOGETHER_BYTES);
  readonly #wake = (): void => this.#waiting?.abort();
  #waiting: AbortController | undefined;
  #filled = 0;
  #gone = false;
  #torn = 0;
  buffers = 0;
  bytes = 0;

  /** In the turn in which the flow was opened, so that no change of its state is missed. */
  constructor(flow: InputFlow, sink: Sink, options: ReceptionOptions) {
    this.#flow = flow;
    this.#sink = sink;
    this.#options = options;
    const { sourceState: state, sourceGeneration: generation } = flow;
    this.#end = options.follow ? undefined : new StreamEnd({ state, generation, next: options.wait });
    flow.on('state', (now, whose) => {
      this.#end?.told(now, whose);
      this.#wake();
    });
    const over = (): void => {
      this.#gone = !options.follow;
      this.#wake();
    };
    flow.on('detached', over);
    flow.on('restarted', over);
    flow.on('end', this.#wake);
  }

  get lost(): number {
    return this.#flow.lost + this.#torn;
  }

  /**
   * Resolves when the flow is at its end for this receiver, with why; rejects with what taking and
   * writing throw.
   */
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
    }
  }

  async #step(): Promise<ReceptionEnd | undefined> {
    const { signal, count } = this.#options;
    if (signal.aborted) return 'interrupted';
    if (this.buffers >= count) return 'count';
    // Asked before looking: what was published before the end is found by the look.
    const end = this.#end?.ending ?? (this.#gone || this.#flow.ended ? 'gone' : undefined);
    const ready = this.#flow.takeAll(Math.min(BATCH_BUFFERS, count - this.buffers));
    if (ready.length === 0 && end !== undefined) return end;
    const next = ready.length > 0 ? undefined : await this.#next();
    const written = await this.#write(next === undefined ? ready : [next]);
    return written === 'unread' && signal.aborted ? 'interrupted' : written;
  }

  /** Undefined when something has happened that must be looked at first. */
  async #next(): Promise<FlowBuffer | undefined> {
    this.#waiting = new AbortController();
    try {
      return await this.#flow.take({ signal: this.#waiting.signal });
    } catch (error) {
      if (isMirrorflowError(error, 'CLOSED')) return undefined;
      throw error;
    } finally {
      this.#waiting = undefined;
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
   * Also a receiver that stalled and was made lossy: its buffers may be overwritten while they are
   * written out.
   */
  get #isLossy(): boolean {
    return this.#flow.delivery === 'lossy';
  }

  async #putAlone(buffer: FlowBuffer): Promise<boolean> {
    if (!(await this.#flush())) return false;
    const bytes = this.#isLossy ? buffer.copy() : buffer.bytes;
    return !this.#isWhole(buffer) || this.#sink(bytes);
  }

  /** Counts a buffer; one that a lossy receiver was too slow for counts as lost. */
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
