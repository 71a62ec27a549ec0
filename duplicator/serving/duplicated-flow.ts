/** What the duplicator program needs of a flow, whatever fills it. */
import type { EventEmitter } from 'eventemitter3';
import type { AddressOf } from '../../protocol/base/address.js';
import type { Served } from '../../protocol/rpc/contract/shapes.js';
import type { MirrorflowError } from '../../protocol/base/errors.js';
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { LinkStanding, RemoteStanding } from './flow-host.js';

export interface FlowPlaces {
  readonly file: string;
  readonly link: string;
  /** A mirror's image. */
  readonly image?: string;
  /** Bytes a buffer can hold. */
  readonly bufferSize: number;
  /** Buffers of the ring. */
  readonly buffers: number;
}

export interface DuplicatedFlowEvents {
  state: [state: SourceState, cause: MirrorflowError | undefined];
  clients: [count: number];
  /** The flow cannot go on as it is and must be made anew, by a new duplicator. */
  outgrown: [neededBytes: number];
  /**
   * What another host sends is another flow now: this one is to be made anew, by a new duplicator.
   */
  replaced: [why: string];
  /** A lossless consumer stalled and is lossy now; `client` is what it said in its HELLO. */
  demoted: [client: number];
}

export interface DuplicatedFlow extends EventEmitter<DuplicatedFlowEvents> {
  /** Resolves when clients can come; rejects with the cause and leaves nothing behind then. */
  start(): Promise<void>;
  readonly sourceState: SourceState;
  readonly clientCount: number;
  readonly published: number;
  /** Of the consumers that a dead predecessor had, no more than so many are still there. */
  expectAtMost(consumers: number): void;
  /** Everybody on the signal link, and how far they are. */
  readonly links: LinkStanding[];
  /** The duplicators of other hosts that receive the flow. */
  readonly remotes: RemoteStanding[];
  /** After start. */
  readonly places: FlowPlaces;
  /** The flow type; after start. */
  readonly type: string;
  /**
   * Listens for duplicators of other hosts, once: a second call answers what the first did. Rejects
   * with REFUSED without a secret, BAD_OPTION, ADDRESS_IN_USE or SYSTEM_ERROR.
   */
  serve(listen: AddressOf<'tcp' | 'tls'>): Promise<Served>;
  /**
   * Of a flow that another host sends: the duplicator there listens here now; a link that is lost
   * is made there.
   */
  redirect?(source: AddressOf<'tcp' | 'tls'>): void;
  /** Ends links and removes the files. Idempotent. */
  close(): Promise<void>;
}
