/**
 * One flow of the duplicator program, whatever fills it: a local provider (local/), a SpecTcl
 * (mirror/) or the duplicator of another host (remote/). Each kind derives from DuplicatedFlow and
 * adds its source; what the program and the app server ask about clients, files and other hosts is
 * answered here, with zeros and empty lists before `start` and after `close`.
 *
 * Writes the client counters of the flow file; all other I/O is that of HostedFlow and
 * RemoteServer.
 */
import { EventEmitter } from 'eventemitter3';
import type { AddressOf } from '../../protocol/base/address.js';
import type { MirrorflowError } from '../../protocol/base/errors.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { BlockHistory } from '../../protocol/flow/wire/block-history.js';
import type { ServeResult } from '../../protocol/rpc/contract/shapes.js';
import type { FlowHost, HeldBackBy, LinkProgress, RemoteProgress } from './flow-host.js';
import type { FlowLayout, HostedFlow } from './hosted-flow.js';
import type { Damage } from './owned-files.js';

export interface DuplicatedFlowEvents {
  state: [state: SourceState, cause: MirrorflowError | undefined];
  /** Clients of this host and receivers on other hosts that are connected now. */
  clients: [count: number];
  /**
   * The source needs `neededBytes` per buffer, more than the flow has: a new duplicator must start.
   */
  outgrown: [neededBytes: number];
  /** Another host sends another flow now, for the stated reason: a new duplicator must start. */
  replaced: [why: string];
  /**
   * Another program has removed or truncated a file of the flow. After `removed`, `close` leaves
   * the files to a new duplicator; after `truncated` the process must end at once, since missing
   * pages of a mapping end it with SIGBUS.
   */
  damaged: [damage: Damage, path: string];
  /** A stalled lossless consumer became lossy; `client` is the number in its HELLO. */
  demoted: [client: number];
}

/** A flow as duplicators of other hosts receive it. */
export interface ServedFlow {
  readonly file: FlowFile;
  readonly host: FlowHost;
  /** When each block of a mirror's memory changed; undefined for other flows. */
  readonly history: BlockHistory | undefined;
}

/** Serves the flow to other hosts once it is asked to; implemented in remote/. */
export interface FlowServer {
  serve(listen: AddressOf<'tcp' | 'tls'>): Promise<ServeResult>;
  close(): void;
}

export abstract class DuplicatedFlow extends EventEmitter<DuplicatedFlowEvents> {
  #hosted: HostedFlow | undefined;
  #history: BlockHistory | undefined;

  /** Resolves when clients can attach; rejects with the cause and leaves nothing behind then. */
  abstract start(): Promise<void>;
  abstract readonly sourceState: SourceState;
  /** The flow type. For a flow of another host only after `start`. */
  abstract readonly type: string;
  /** Closes links and removes the files. Idempotent. */
  abstract close(): Promise<void>;
  /**
   * For a flow of another host: its sender listens at `source` from now on, where lost links are
   * made again.
   */
  redirect?(source: AddressOf<'tcp' | 'tls'>): void;

  protected abstract readonly server: FlowServer;

  /**
   * Listens for duplicators of other hosts, once: a second call returns what the first did. Rejects
   * with REFUSED without a secret, BAD_OPTION, ADDRESS_IN_USE or SYSTEM_ERROR.
   */
  serve(listen: AddressOf<'tcp' | 'tls'>): Promise<ServeResult> {
    return this.server.serve(listen);
  }

  /** At most `consumers` of a dead predecessor's consumers are expected to reattach. */
  expectConsumersAtMost(consumers: number): void {
    this.#hosted?.host.expectAtMost(consumers);
  }

  get clientCount(): number {
    return this.#hosted?.host.clientCount ?? 0;
  }

  /** Number of the provider on the signal link; undefined without one. */
  get provider(): number | undefined {
    return this.#hosted?.host.provider;
  }

  /** The readers that hold the writer back now. */
  get holding(): HeldBackBy[] {
    return this.#hosted?.host.holding ?? [];
  }

  /** Every client on the signal link and its progress. */
  get links(): LinkProgress[] {
    return this.#hosted?.host.links ?? [];
  }

  /** The duplicators of other hosts that receive the flow, and their progress. */
  get remotes(): RemoteProgress[] {
    return this.#hosted?.host.remotes.progress ?? [];
  }

  /** Buffers published in this epoch. */
  get published(): number {
    return this.#hosted?.file.published ?? 0;
  }

  /** Where the flow is found on this host. Throws before `start` and after `close`. */
  get layout(): FlowLayout {
    return this.mustBeHosted.layout;
  }

  protected get hosted(): HostedFlow | undefined {
    return this.#hosted;
  }

  protected get mustBeHosted(): HostedFlow {
    if (this.#hosted === undefined) throw new Error('the flow has no files: not started, or closed');
    return this.#hosted;
  }

  /** What the server for other hosts sends; undefined while there is no flow. */
  protected get served(): ServedFlow | undefined {
    return this.#hosted && { file: this.#hosted.file, host: this.#hosted.host, history: this.#history };
  }

  /** Owns the flow's files and links from now on, and passes on what its host reports. */
  protected adopt(hosted: HostedFlow, history?: BlockHistory): void {
    const { file, host } = hosted;
    this.#hosted = hosted;
    this.#history = history;
    hosted.watch((damage, path) => this.emit('damaged', damage, path));
    host.on('demoted', (client) => this.emit('demoted', client));
    host.on('clients', (count) => {
      file.setCounter(COUNTERS.clients.id, count);
      this.emit('clients', count);
    });
    host.on('consumers', (count) => file.setCounter(COUNTERS.consumers.id, count));
  }

  /** Stops serving other hosts, closes the links and removes the files. Idempotent. */
  protected async release(): Promise<void> {
    const hosted = this.#hosted;
    this.#hosted = undefined;
    // Receivers that leave would change what a successor finds in the files.
    const leavesFiles = hosted?.leavesFiles === true;
    if (!leavesFiles) this.server.close();
    await hosted?.release();
    if (leavesFiles) this.server.close();
  }
}
