/**
 * What fills a flow from the frames that a duplicator of another host sends. Two kinds implement
 * it: BufferSink (every buffer) and MirrorSink (changed blocks); UpstreamReceiver drives it through
 * FrameReader. Types only.
 */
import type { FrameSink } from '../../protocol/flow/wire/frame-reader.js';

export interface FlowSink extends FrameSink {
  /**
   * Publishes what has arrived. Returns the sequence below which everything is here, or is lost.
   */
  flush(): number;
  /** Buffers that have arrived and are not published yet. */
  readonly unseen: number;
  /** A new link: a buffer that arrived in part is discarded. */
  begin(): void;
  /** The sequence that is expected next. */
  readonly next: number;
  /** Resolves when a frame that was not admitted may be offered again. */
  room(): Promise<void>;
  /** Sequences after which an acknowledgement is sent at once. */
  readonly acknowledgeEvery: number;
  /** How many gaps there were, and how many sequences are missing in them. */
  readonly gaps: number;
  readonly missing: number;
}

/** What a sink reports beside the buffers. */
export interface FlowSinkHooks {
  /**
   * The sender's source state: 8 × provider generation + state code, since nanoseconds since 1970.
   * What arrived before it is published.
   */
  state(detail: number, sinceNs: number): void;
  /** The delivery that the sender granted: 0 lossless, 1 lossy. */
  delivery(detail: number): void;
  /** The sender closes the link in good order. */
  senderClosed(): void;
}
