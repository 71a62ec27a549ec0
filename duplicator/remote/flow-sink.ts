/** What fills a flow from the frames that another host sends. */
import type { FrameSink } from '../../protocol/flow/wire/frame-reader.js';

export interface FlowSink extends FrameSink {
  /** Makes what has come visible. Returns below which sequence all is there, or lost. */
  flush(): number;
  /** Buffers that have come and are not visible yet. */
  readonly unseen: number;
  /** A new connection: what was half there is given up. */
  begin(): void;
  /** The sequence that comes next. */
  readonly next: number;
  /** Resolves when a frame that was not admitted may be looked at again. */
  room(): Promise<void>;
  /** Acknowledged after so many sequences. */
  readonly acknowledgeEvery: number;
  readonly gaps: number;
  readonly missing: number;
}

/** What a sink hears of beside the flow itself. */
export interface FlowSinkHooks {
  /** STATE: 8 × generation + code, nanoseconds since 1970. What came before it is visible. */
  state(detail: number, sinceNs: number): void;
  /** DELIVERY: 0 lossless, 1 lossy. */
  delivery(detail: number): void;
  /** BYE. */
  farewell(): void;
}
