/**
 * Serves one flow file to its readers: to clients of this host over the signal link (a local socket
 * that carries counts, not data) and to duplicators of other hosts. This class connects the parts
 * and is what LocalFlow, MirrorFlow and RemoteFlow call; it has no state of its own.
 *
 *   LinkProtocol ─ Admission      messages of the clients
 *   LinkClients, RemoteConsumers  recipients of the flow
 *   FlowConsumers, ConsumerRows   how far each has read, also in the flow file
 *   WriterCredit                  how far the writer may go
 *   SourceStatus                  state of the source
 *
 * Writes the flow file's header; owns the link server that it is given.
 */
import { EventEmitter } from 'eventemitter3';
import { systemClock, type Clock } from '../../protocol/base/clock.js';
import type { DuplicatorReport } from '../../protocol/rpc/contract/shapes.js';
import type { DuplicatorStatistics } from '../../protocol/rpc/contract/statistics.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { Logger } from '../../protocol/base/log.js';
import type { LinkServer } from '../../protocol/flow/signal-link/link.js';
import { MessageKind } from '../../protocol/flow/signal-link/messages.js';
import { REATTACH_MS } from '../recovery/reattach-gate.js';
import { ReattachmentTracker } from '../recovery/reattachment-tracker.js';
import { Admission, type BeforeLossless } from './admission.js';
import type { Consumer } from './consumer-registry.js';
import { ConsumerRows } from './consumer-rows.js';
import { FlowConsumers } from './flow-consumers.js';
import { LinkClients } from './link-clients.js';
import { LinkProtocol } from './link-protocol.js';
import { RemoteConsumers } from './remote-consumers.js';
import { SourceStatus } from './source-status.js';
import { WriterCredit } from './writer-credit.js';

export interface FlowHostOptions {
  readonly file: FlowFile;
  /** For consumers and observers. Owned by the host from now on, as the other two. */
  readonly links: LinkServer;
  /** For providers; without it no client can provide. */
  readonly providerLinks?: LinkServer | undefined;
  /** For clients of this process's user, which may provide as well. */
  readonly datagramLinks?: LinkServer | undefined;
  /**
   * Slots beyond the published ones that the writer clears before it asks for credit: a new
   * consumer never begins on them, unless another consumer holds them already.
   */
  readonly openSlots: number;
  /** A provider process writes the flow; without it the duplicator itself does. */
  readonly local?: boolean;
  /**
   * Milliseconds after which a lossless consumer that holds the writer back becomes lossy; 0, the
   * default, is never. A provider may set another.
   */
  readonly stallTimeoutMs?: number;
  /**
   * Lossless consumers of the dead process that owned this file before: until they have reattached
   * the provider gets no more credit than it had.
   */
  readonly expected?: number;
  readonly beforeLossless?: BeforeLossless;
  /** Longest wait for the expected consumers, milliseconds. Default REATTACH_MS. */
  readonly reattachMs?: number;
  /** For the stall timeout and the expected consumers. Default: the system's. */
  readonly clock?: Clock;
  readonly log: Logger;
}

/** Longest wait for clients that must close their links, milliseconds. */
const ABANDON_MS = 300;
/** DELIVERY's detail. */
const LOSSY = 1;

/** Role, delivery and progress of a client of this host. */
export type LinkProgress = DuplicatorStatistics['links'][number];

/** Delivery and progress of a duplicator of another host. */
export type RemoteProgress = NonNullable<DuplicatorStatistics['remotes']>[number];

export type HeldBackBy = NonNullable<DuplicatorReport['holding']>[number];

interface FlowHostEvents {
  /** The link of a client has ended; the file has not been touched for it yet. */
  linkEnd: [];
  /**
   * A provider joined; `left`: it ended the flow and disconnected; `died`: it disconnected only.
   */
  provider: [what: 'came' | 'left' | 'died'];
  /** Number of admitted consumers that are connected. */
  consumers: [count: number];
  /** Number of clients that are connected and greeted, receivers on other hosts included. */
  clients: [count: number];
  /** A lossless consumer stalled and is lossy now; `client`: the number of its HELLO. */
  demoted: [client: number];
  /** Number of lossless consumers, receivers on other hosts included. */
  lossless: [count: number];
  /** No consumer of a dead predecessor is expected any more. */
  complete: [];
}

export class FlowHost extends EventEmitter<FlowHostEvents> {
  readonly #file: FlowFile;
  readonly #links: readonly LinkServer[];
  readonly #beforeLossless: BeforeLossless;
  readonly #log: Logger;
  readonly #consumers: FlowConsumers;
  readonly #credit: WriterCredit;
  readonly #status: SourceStatus;
  readonly #clients = new LinkClients();
  readonly #protocol: LinkProtocol;
  /** Duplicators of other hosts that receive the flow. */
  readonly remotes: RemoteConsumers;

  constructor(options: FlowHostOptions) {
    super();
    const { file, links, providerLinks, datagramLinks, openSlots, log } = options;
    const { local = false, expected = 0, stallTimeoutMs = 0, reattachMs = REATTACH_MS } = options;
    const { beforeLossless = () => undefined, clock = systemClock } = options;
    this.#file = file;
    this.#links = [links, providerLinks, datagramLinks].filter((server) => server !== undefined);
    this.#beforeLossless = beforeLossless;
    this.#log = log;
    const reattachments = new ReattachmentTracker({
      file,
      expected,
      reattachMs,
      stallTimeoutMs: () => this.#credit.stall.timeoutMs,
      clock,
      log,
      onComplete: () => this.#reattached(),
    });
    this.#consumers = new FlowConsumers(
      new ConsumerRows(file, clock),
      reattachments,
      (consumers, lossless) => {
        this.emit('consumers', consumers);
        this.emit('lossless', lossless);
      },
    );
    this.#credit = new WriterCredit({
      file,
      consumers: this.#consumers,
      clock,
      local,
      openSlots,
      stallTimeoutMs,
      onStalled: (consumer) => this.#demote(consumer),
    });
    this.#status = new SourceStatus(file, this.#credit.claim);
    this.remotes = new RemoteConsumers(file, this.#consumers, this.#credit, clock, reattachMs);
    this.remotes.on('changed', () => this.emit('clients', this.clientCount));
    const admission = new Admission(
      file,
      this.#clients,
      this.#consumers,
      this.#credit,
      this.#status,
      beforeLossless,
    );
    const protocol = new LinkProtocol(file, this.#clients, this.#consumers, this.#credit, admission, log);
    this.#protocol = protocol;
    protocol.on('published', () => this.published());
    protocol.on('linkEnd', () => this.emit('linkEnd'));
    protocol.on('provider', (what) => this.emit('provider', what));
    protocol.on('clients', () => this.emit('clients', this.clientCount));
    links.onConnection((link) => protocol.connected(link, false));
    providerLinks?.onConnection((link) => protocol.connected(link, true));
    datagramLinks?.onConnection((link) => protocol.connected(link, true));
  }

  /** Clients of this host and duplicators of other hosts. */
  get clientCount(): number {
    return this.#clients.greeted + this.remotes.size;
  }

  /** Number of the provider in its HELLO; undefined without a provider on this host. */
  get provider(): number | undefined {
    const { claim } = this.#credit;
    return claim?.taken === true ? this.#clients.nameOf((link) => claim.isHeldBy(link)) : undefined;
  }

  /** The readers that hold the writer back now: clients of this host, and other hosts. */
  get holding(): HeldBackBy[] {
    if (this.#credit.blocking().size === 0) return [];
    return [
      ...this.links.filter(({ holding }) => holding).map(({ client }) => ({ client })),
      ...this.remotes.progress.filter(({ holding }) => holding).map(({ peer }) => ({ peer })),
    ];
  }

  /**
   * Generation of the present or last provider; 0 where the duplicator fills the flow from a
   * source.
   */
  get generation(): number {
    return this.#status.generation;
  }

  /** Times that a waiting consumer was signalled. */
  get signals(): number {
    return this.#clients.signals;
  }

  /** Resolves when a lossless consumer can be admitted; undefined when that is now. */
  beforeLossless(): Promise<void> | undefined {
    return this.#beforeLossless();
  }

  /** To be called when the writer has published: signals every waiting consumer. */
  published(): void {
    this.#clients.published(this.#file.published);
    this.remotes.published();
  }

  /**
   * Writes the source's state into the flow file and sends it to all clients. `sinceNs`: wall-clock
   * nanoseconds since 1970; `generation`: of a provider on another host.
   */
  setSourceState(state: SourceState, sinceNs: number, generation = 0): void {
    this.#status.set(state, sinceNs, generation);
    this.#clients.sourceStateChanged(this.#status);
    this.remotes.stateChanged();
  }

  /** All greeted clients of this host. */
  get links(): LinkProgress[] {
    return this.#clients.progress(this.#file.published, this.#credit.blocking());
  }

  /** Whether a consumer of a dead predecessor is expected. */
  get expectsReattachments(): boolean {
    return this.#consumers.reattachments.floor !== Number.POSITIVE_INFINITY;
  }

  /** At most so many of a dead predecessor's consumers on this host live: no more are expected. */
  expectAtMost(consumers: number): void {
    this.#consumers.reattachments.livingAtMost(consumers);
  }

  hasCredit(sequence: number): boolean {
    return sequence < this.creditLimit;
  }

  /** Sequences below it may be written, for as long as `changes` is what it is. */
  get creditLimit(): number {
    return this.#credit.limit;
  }

  /** Grows with each consumer that joins, leaves or changes: only then the limit may shrink. */
  get changes(): number {
    return this.#consumers.changes;
  }

  /** Resolves when the slot of `sequence` may be written; also when the host closes. */
  credit(sequence: number): Promise<void> {
    return this.#credit.wait(sequence);
  }

  /** Times that the duplicator itself had to wait for credit. */
  get stalls(): number {
    return this.#credit.stalls;
  }

  /** Closes every connection and the socket; waits for credit end. Idempotent. */
  async close(): Promise<void> {
    this.#clients.clear();
    this.#credit.close();
    this.#consumers.reattachments.stop();
    this.remotes.close();
    this.#credit.grant();
    await Promise.all(this.#links.map((links) => links.close()));
  }

  /**
   * Closes every connection and the socket, and leaves the counts in the file as they are, so that
   * a successor expects the consumers of now. Clients that do not close are not waited for beyond
   * ABANDON_MS.
   */
  async abandon(): Promise<void> {
    this.#protocol.stop();
    this.#credit.close();
    this.#consumers.reattachments.stop();
    let cancel = (): void => undefined;
    const timeout = new Promise<void>((resolve) => (cancel = systemClock.after(ABANDON_MS, resolve)));
    await Promise.race([Promise.all(this.#links.map((links) => links.close())), timeout]);
    cancel();
  }

  #demote(consumer: Consumer): void {
    const client = this.#clients.get(consumer.id);
    this.#consumers.demote(consumer, client);
    if (client === undefined) this.remotes.demoted(consumer);
    else {
      client.link.signal(MessageKind.DELIVERY, consumer.acknowledged, LOSSY);
      this.#log.warn('a stalled consumer is lossy from now on', { client: client.name });
    }
    this.#credit.grant();
    if (client !== undefined) this.emit('demoted', client.name);
  }

  #reattached(): void {
    this.#log.info('the consumers of the dead owner have reattached, or are not expected any more', {
      consumers: this.#consumers.registry.size,
    });
    this.#credit.grant();
    this.emit('complete');
  }
}
