/**
 * The interface of an input flow to its engine: ThreadedEngine copies buffers in a flow thread,
 * InlineEngine reads them in place. Implemented by both, used by InputFlow and TakeQueue. Types
 * only.
 */
import type { LinkEnd } from '../../protocol/flow/signal-link/link.js';
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { MarkIdentity } from './mark-sender.js';
import type { AttachTarget } from './consumer-link.js';
import type { FlowBuffer } from './flow-buffer.js';

/** Metadata of a buffer. `poll` passes the same object every time. */
export interface BufferMeta {
  sequence: number;
  epoch: number;
  timestampNs: number;
  size: number;
  /** 0 to 65,535; meaning defined by the flow type. */
  flags: number;
  /** Number of the provider that wrote it. */
  generation: number;
}

export type PollHandler = (view: Uint8Array, meta: Readonly<BufferMeta>) => void;

/** Events of an engine; never called from inside one of its methods. */
export interface EngineListener {
  /** Once after `arm`: a buffer may be ready, or the flow may have ended. */
  readonly onReady: () => void;
  /**
   * `generation`: number of the provider that the state is about; 0 for a flow that its duplicator
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
  /** Epoch of the flow file that is read. */
  readonly epoch: number;
  /** Buffers taken since the opening, and their bytes. */
  readonly taken: number;
  readonly takenBytes: number;
  /** No buffer will become ready any more; ready ones can still be taken. */
  readonly ended: boolean;
  take(): FlowBuffer | undefined;
  /** The newest ready buffers, oldest first, without taking them. */
  newest(count: number): FlowBuffer[];
  /** Returns the number of buffers handled. */
  poll(handler: PollHandler, limit: number): number;
  /** Requests one `onReady` for what becomes ready from now on: try a take after arming. */
  arm(): void;
  /** Blocks the calling thread until a buffer may be ready or the time is over. */
  block(timeoutMs: number): void;
  /** Reads nothing from the ring until `resume`. */
  pause(): void;
  resume(): void;
  /** The flow has another session or handle at its app server. */
  identify(identity: MarkIdentity): void;
  grow(buffers: number): Promise<void>;
  shrink(buffers: number): void;
  /** Continues from another flow file and link; ready buffers stay ready. */
  reattach(opened: AttachTarget): Promise<void>;
  /** Ends a detached flow that was opened with `hold`. */
  endDetached(): void;
  close(): Promise<void>;
}
