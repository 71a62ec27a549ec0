/** The two ways an input flow gets its buffers, a flow thread or in place, behind one interface. */
import type { LinkEnd } from '../../protocol/flow/signal-link/link.js';
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { MarkIdentity } from './mark-sender.js';
import type { AttachTarget } from './consumer-link.js';
import type { FlowBuffer } from './flow-buffer.js';

/** What is known of a buffer besides its payload. `poll` passes the same object every time. */
export interface BufferMeta {
  sequence: number;
  epoch: number;
  timestampNs: number;
  size: number;
  /** Of the flow type, 0 to 65,535. */
  flags: number;
  /** Which provider of the flow wrote it. */
  generation: number;
}

export type PollHandler = (view: Uint8Array, meta: Readonly<BufferMeta>) => void;

/** What an engine tells of its own accord; never called from inside one of its methods. */
export interface EngineListener {
  /** After `arm`: something may be ready, or the flow may be over. */
  readonly onReady: () => void;
  /**
   * `generation`: of the provider whose coming or going it tells; 0 for a flow that its duplicator
   * fills.
   */
  readonly onState: (state: SourceState, generation: number) => void;
  readonly onRestarted: (epoch: number) => void;
  readonly onLost: () => void;
  /** The consumer is lossy from now on. */
  readonly onDemoted: () => void;
  readonly onDetached: (end: LinkEnd) => void;
  readonly onEnded: (end: LinkEnd) => void;
}

export interface InputEngine {
  readonly ready: number;
  readonly free: number;
  readonly lost: number;
  readonly capacity: number;
  readonly sourceState: SourceState;
  readonly sourceGeneration: number;
  /** Of the flow file that is read. */
  readonly epoch: number;
  /** Buffers taken, and their bytes. */
  readonly taken: number;
  readonly takenBytes: number;
  /** Nothing more will be added; what is ready can still be taken. */
  readonly ended: boolean;
  take(): FlowBuffer | undefined;
  /** The newest ready buffers, oldest first, without taking them. */
  newest(count: number): FlowBuffer[];
  /** Returns the number of buffers handled. */
  poll(handler: PollHandler, limit: number): number;
  /** Asks for one `onReady`. What is ready already is not told: look again after arming. */
  arm(): void;
  /** Blocks the calling thread until something may be ready or the time is over. */
  block(timeoutMs: number): void;
  /** Reads nothing from the ring until `resume`. */
  pause(): void;
  resume(): void;
  /** The client has another session or handle at its app server. */
  identify(identity: MarkIdentity): void;
  grow(buffers: number): Promise<void>;
  shrink(buffers: number): void;
  /** Goes on from another flow file and link; what was ready stays ready. */
  reattach(opened: AttachTarget): Promise<void>;
  /** For a flow that holds when detached: it ends after all. */
  endDetached(): void;
  close(): Promise<void>;
}
