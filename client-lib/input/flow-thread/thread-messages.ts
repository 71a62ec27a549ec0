/**
 * The messages between the main thread (ThreadedEngine) and a flow thread (FlowReader), and the
 * serialized form of errors in them. Memory segments of the history travel on a port of their own.
 * Pure: no I/O.
 */
import type { MessagePort } from 'node:worker_threads';
import {
  MirrorflowError,
  describeError,
  type ErrorCode,
  type ErrorFacts,
} from '../../../protocol/base/errors.js';
import type { SourceState } from '../../../protocol/flow/flow-file/layout.js';
import type { ReadStart } from '../../../protocol/flow/flow-file/ring-reader.js';
import type { Delivery } from '../../../protocol/flow/signal-link/messages.js';
import type { AttachTarget } from '../consumer-link.js';
import type { FlowControlMarks } from '../flow-control-marks.js';
import type { MarkIdentity } from '../mark-sender.js';
import type { HistoryRules } from '../history/history-rules.js';

/** A MirrorflowError as plain data: messages between threads keep no classes. */
export interface SerializedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly facts: ErrorFacts;
}

export interface FlowThreadSettings {
  readonly opened: AttachTarget;
  /** The history's control block. */
  readonly control: SharedArrayBuffer;
  /** Sends each new memory segment of the history. */
  readonly segments: MessagePort;
  readonly rules: HistoryRules;
  readonly delivery: Delivery;
  readonly start: ReadStart;
  readonly spinUs: number;
  /** `end`: the end of the link ends the flow; `hold`: it waits for `reattach` or `endDetached`. */
  readonly whenDetached: 'end' | 'hold';
  readonly flowControl?: FlowControlSettings;
}

export interface FlowControlSettings {
  readonly marks: FlowControlMarks;
  /** Path of the app server's socket. */
  readonly socket: string;
  readonly identity: MarkIdentity;
}

/**
 * Commands for one flow. A command with a `call` number is answered by `attached`, `done` or
 * `failed` with the same number; number 0 is the attachment at the start.
 */
export type FlowCommand =
  /** The main thread has released buffers. */
  | { readonly kind: 'roomFreed' }
  | { readonly kind: 'grow'; readonly call: number; readonly buffers: number }
  | { readonly kind: 'shrink'; readonly buffers: number }
  /** Buffers have retired: whole segments may be freed. */
  | { readonly kind: 'retired' }
  | { readonly kind: 'pause'; readonly paused: boolean }
  /** The fill has fallen below the control word `reportBelow`. */
  | { readonly kind: 'fillFell' }
  | { readonly kind: 'identify'; readonly identity: MarkIdentity }
  | { readonly kind: 'reattach'; readonly call: number; readonly opened: AttachTarget }
  | { readonly kind: 'endDetached' };

/** Commands on the port of a flow; it closes when `close` was executed. */
export type FlowPortCommand = FlowCommand | { readonly kind: 'close' };

/** The command to a thread: a flow to serve, and the port for its commands and events. */
export interface ThreadCommand {
  readonly kind: 'serve';
  readonly settings: FlowThreadSettings;
  readonly port: MessagePort;
}

export type SerializedEnd =
  { readonly by: 'us' | 'peer' } | { readonly by: 'failure'; readonly error: SerializedError };

export type ThreadEvent =
  /** Answers `reattach` and the start: a flow file of this epoch is read. */
  | { readonly kind: 'attached'; readonly call: number; readonly epoch: number }
  | { readonly kind: 'done'; readonly call: number }
  | { readonly kind: 'failed'; readonly call: number; readonly error: SerializedError }
  | { readonly kind: 'ready' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'demoted' }
  | { readonly kind: 'state'; readonly state: SourceState; readonly generation: number }
  | { readonly kind: 'restarted'; readonly epoch: number }
  | { readonly kind: 'detached'; readonly end: SerializedEnd }
  | { readonly kind: 'ended'; readonly end: SerializedEnd }
  /** The thread does not use this segment of the history any more. */
  | { readonly kind: 'withdrawn'; readonly segment: number };

export function serializeError(error: unknown): SerializedError {
  if (error instanceof MirrorflowError) {
    return { code: error.code, message: error.message, facts: error.facts };
  }
  return { code: 'SYSTEM_ERROR', message: describeError(error), facts: {} };
}

export function deserializeError(error: SerializedError): MirrorflowError {
  return new MirrorflowError(error.code, error.message, error.facts);
}
