/**
 * What the main thread and a flow thread say to each other. Segments of the history travel on a
 * port of their own.
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
import type { HistoryRules } from '../history/rules.js';

/** A MirrorflowError between threads, which keep no classes. */
export interface ErrorOnWire {
  readonly code: ErrorCode;
  readonly message: string;
  readonly facts: ErrorFacts;
}

export interface FlowThreadSettings {
  readonly opened: AttachTarget;
  readonly control: SharedArrayBuffer;
  readonly segments: MessagePort;
  readonly rules: HistoryRules;
  readonly delivery: Delivery;
  readonly start: ReadStart;
  readonly spinUs: number;
  /** Whether the end of the link ends the flow, or it goes on at `reattach`. */
  readonly whenDetached: 'end' | 'hold';
  readonly flowControl?: FlowControlSettings;
}

export interface FlowControlSettings {
  readonly marks: FlowControlMarks;
  /** The app server's. */
  readonly socket: string;
  readonly identity: MarkIdentity;
}

/**
 * `call` numbers are answered by `attached`, `done` or `failed` with the same number; 0 is the
 * attachment at the start.
 */
export type ToFlow =
  | { readonly kind: 'room' }
  | { readonly kind: 'grow'; readonly call: number; readonly buffers: number }
  | { readonly kind: 'shrink'; readonly buffers: number }
  | { readonly kind: 'giveBack' }
  | { readonly kind: 'hold'; readonly held: boolean }
  /** The fill has fallen to `lookBelow`. */
  | { readonly kind: 'look' }
  | { readonly kind: 'identify'; readonly identity: MarkIdentity }
  | { readonly kind: 'reattach'; readonly call: number; readonly opened: AttachTarget }
  | { readonly kind: 'endDetached' };

/**
 * After `close`, which is answered by `closed`, a thread is told to `rest` until it serves another
 * flow, or to `leave`.
 */
export type ToThread =
  | ToFlow
  | { readonly kind: 'close' }
  | { readonly kind: 'rest' }
  | { readonly kind: 'serve'; readonly settings: FlowThreadSettings }
  | { readonly kind: 'leave' };

export type EndOnWire =
  { readonly by: 'us' | 'peer' } | { readonly by: 'failure'; readonly error: ErrorOnWire };

export type FromThread =
  /** The answer to `reattach` and to the start: it reads a flow file of this epoch. */
  | { readonly kind: 'attached'; readonly call: number; readonly epoch: number }
  | { readonly kind: 'done'; readonly call: number }
  | { readonly kind: 'failed'; readonly call: number; readonly error: ErrorOnWire }
  | { readonly kind: 'ready' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'demoted' }
  | { readonly kind: 'state'; readonly state: SourceState; readonly generation: number }
  | { readonly kind: 'restarted'; readonly epoch: number }
  | { readonly kind: 'detached'; readonly end: EndOnWire }
  | { readonly kind: 'ended'; readonly end: EndOnWire }
  | { readonly kind: 'withdrawn'; readonly segment: number }
  /** The last of a flow. */
  | { readonly kind: 'closed' };

export function errorToWire(error: unknown): ErrorOnWire {
  if (error instanceof MirrorflowError) {
    return { code: error.code, message: error.message, facts: error.facts };
  }
  return { code: 'SYSTEM_ERROR', message: describeError(error), facts: {} };
}

export function errorFromWire(error: ErrorOnWire): MirrorflowError {
  return new MirrorflowError(error.code, error.message, error.facts);
}
