/**
 * Serves a flow file to its clients over the signal link: welcomes them, tells waiting consumers
 * what was published, takes their acknowledgements, and lets the writer know how far it may go. A
 * client that goes stops counting in the same turn.
 */
import { EventEmitter } from 'eventemitter3';
import { systemClock, type Clock } from '../../protocol/base/clock.js';
import type { DuplicatorFigures } from '../../protocol/rpc/contract/figures.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { Logger } from '../../protocol/base/log.js';
import type { LinkConnection, LinkServer } from '../../protocol/flow/signal-link/link.js';
import {
  AWAKE,
  LAST,
  MessageKind,
  UNANSWERED,
  kindName,
  unpackClient,
} from '../../protocol/flow/signal-link/messages.js';
import { Admission } from './admission.js';
import { ConsumerRegistry, type Consumer } from './consumer-registry.js';
import { LinkClient, standingsOf, type LinkStanding } from './link-client.js';
import type { ProviderClaim } from './provider-claim.js';
import { REATTACH_MS } from '../recovery/reattach-gate.js';
import { ReattachmentTracker } from '../recovery/reattachment-tracker.js';
import { RemoteConsumers } from './remote-consumers.js';
import { WriterCredit } from './writer-credit.js';

export type { LinkStanding } from './link-client.js';

export interface FlowHostOptions {
  readonly file: FlowFile;
  /** Its socket; owned by the host from now on. */
  readonly links: LinkServer;
  /**
   * Slots beyond the published ones that the writer may count on before it opens them, which clears
   * their sequences: a consumer never starts on those, unless they are held for somebody already.
   */
  readonly openSlots: number;
  /**
   * A local flow: a provider may take its seat. Without it the flow is filled by the duplicator
   * itself.
   */
  readonly local?: boolean;
  /**
   * Milliseconds after which a lossless consumer that holds the writer back becomes lossy; 0, the
   * default, is never. A provider may say another.
   */
  readonly stallTimeoutMs?: number;
  /**
   * Lossless consumers of a dead predecessor whose file this is: its provider gets no more credit
   * than it had before they are back.
   */
  readonly expected?: number;
  /**
   * Asked before a lossless consumer is admitted to a flow that another host sends: resolves when
   * nothing of what comes is left out any more; undefined when that is so already.
   */
  readonly beforeLossless?: () => Promise<void> | undefined;
  /** Longest wait for those, milliseconds. Default REATTACH_MS. */
  readonly reattachMs?: number;
  /** For the stall timeout and for those who are expected. Default: the system's. */
  readonly clock?: Clock;
  readonly log: Logger;
}

/** DELIVERY's detail. */
const LOSSY = 1;

/** Longest stall timeout that a provider may ask for. */
const STALL_TIMEOUT_MAX_MS = 86_400_000;

/** How far a duplicator of another host is. */
export type RemoteStanding = NonNullable<DuplicatorFigures['remotes']>[number];

interface FlowHostEvents {
  /** A provider has come, has left as it said, or has gone without a word. */
  provider: [what: 'came' | 'left' | 'died'];
  /** Consumers that were admitted and are connected now. */
  consumers: [count: number];
  /** Clients that said HELLO and are connected now. */
  clients: [count: number];
  /** A lossless consumer stalled and is lossy now; `client` is what it said in its HELLO. */
  demoted: [client: number];
  /** Lossless consumers, those of other hosts among them. */
  lossless: [count: number];
  /** Nobody of a dead predecessor's is awaited any more. */
  complete: [];
}

export class FlowHost extends EventEmitter<FlowHostEvents> {
  readonly #options: FlowHostOptions;
  readonly #registry = new ConsumerRegistry();
  readonly #clients = new Map<number, LinkClient>();
  readonly #returns: ReattachmentTracker;
  readonly #credit: WriterCredit;
  readonly #seat: ProviderClaim | undefined;
  readonly #admission: Admission;
  /** Duplicators of other hosts that receive the flow. */
  readonly remotes: RemoteConsumers;
  /** Of the provider far away whose buffers come from another host. */
  #generation = 0;
  #changes = 0;
  #lastId = 0;
  #greeted = 0;
  #published: number;
  #closed = false;
  signals = 0;

  constructor(options: FlowHostOptions) {
    super();
    this.#options = options;
    const { file, expected = 0, local = false, reattachMs = REATTACH_MS } = options;
    const clock = options.clock ?? systemClock;
    this.#published = file.published;
    this.#returns = new ReattachmentTracker({
      file,
      expected,
      reattachMs,
      stallTimeoutMs: () => this.#credit.stall.timeoutMs,
      clock,
      log: options.log,
      over: () => this.#allBack(),
    });
    this.#credit = new WriterCredit({
      file,
      registry: this.#registry,
      clock,
      local,
      stallTimeoutMs: options.stallTimeoutMs ?? 0,
      awaitedFrom: () => this.#returns.floor,
      stalled: (consumer) => this.#demote(consumer),
    });
    this.#seat = this.#credit.seat;
    this.#admission = new Admission({
      file,
      registry: this.#registry,
      credit: this.#credit,
      returns: this.#returns,
      openSlots: options.openSlots,
      published: () => this.#published,
      generation: () => this.generation,
      beforeLossless: () => this.beforeLossless(),
      isThere: ({ id }) => this.#clients.has(id) && !this.#closed,
      seated: () => this.published(), // it may have gone on alone while there was no duplicator
      greeted: ({ role }) => {
        this.#greeted += 1;
        if (role === 'provider') this.emit('provider', 'came');
      },
      counted: () => this.#countConsumers(),
      admitted: ({ link }, consumer) => this.#signalIfWaiting(link, consumer),
    });
    this.remotes = new RemoteConsumers(clock, reattachMs, {
      registry: this.#registry,
      nextId: () => (this.#lastId += 1),
      published: () => file.published,
      oldest: (delivery, wanted) => this.#admission.oldest(delivery, wanted),
      returned: () => this.#returns.remoteReturned(),
      left: () => this.#returns.remoteLeft(),
      changed: () => {
        this.#countConsumers();
        this.#credit.grant();
        this.emit('clients', this.clientCount);
      },
      acknowledged: () => this.#credit.grant(),
      isHolding: (consumer) => this.#credit.holding().includes(consumer),
    });
    options.links.onConnection((link) => this.#connected(link));
  }

  /** Those on this host and the duplicators of others. */
  get clientCount(): number {
    return this.#greeted + this.remotes.size;
  }

  /**
   * As the provider that is there or was last has it; 0 where the duplicator fills the flow by
   * itself.
   */
  get generation(): number {
    return this.#seat?.generation ?? this.#generation;
  }

  /** Resolves when a lossless consumer can be admitted; undefined when that is now. */
  beforeLossless(): Promise<void> | undefined {
    return this.#options.beforeLossless?.();
  }

  /** The writer has published: signals every consumer that waits. */
  published(): void {
    this.#published = this.#options.file.published;
    for (const { link, consumer } of this.#clients.values()) {
      if (consumer !== undefined) this.#signalIfWaiting(link, consumer);
    }
    this.remotes.published();
  }

  /**
   * Writes the source's state into the flow file and tells all clients. `generation`: of a provider
   * on another host.
   */
  setSourceState(state: SourceState, sinceNs: number, generation = 0): void {
    this.#generation = generation;
    this.#options.file.setSourceState(state, sinceNs, this.generation);
    for (const client of this.#clients.values()) {
      const { hello, consumer } = client;
      // One that waits to be welcomed is told then.
      if (hello !== undefined && (hello.role !== 'consumer' || consumer !== undefined))
        client.tellState(state, this.generation);
    }
    this.remotes.stateChanged();
  }

  /** Everybody who said HELLO. */
  get links(): LinkStanding[] {
    return standingsOf(this.#clients.values(), this.#options.file.published, new Set(this.#credit.holding()));
  }

  /** Whether somebody of a dead predecessor's is awaited. */
  get awaits(): boolean {
    return this.#returns.floor !== Number.POSITIVE_INFINITY;
  }

  /**
   * Of the consumers on this host that a dead predecessor had, no more than so many live: the
   * others are not waited for.
   */
  expectAtMost(consumers: number): void {
    this.#returns.expectAtMost(consumers);
  }

  hasCredit(sequence: number): boolean {
    return sequence < this.creditLimit;
  }

  /** Sequences below it may be written, for as long as `changes` is what it is. */
  get creditLimit(): number {
    return this.#credit.limit;
  }

  /** Counts consumers that came, went or changed: only then a limit may become lower. */
  get changes(): number {
    return this.#changes;
  }

  /** Resolves when the slot of `sequence` may be written; also when the host closes. */
  credit(sequence: number): Promise<void> {
    return this.#credit.wait(sequence);
  }

  /** Times that the duplicator itself had to wait for credit. */
  get stalls(): number {
    return this.#credit.stalls;
  }

  /** Ends every connection and the socket; writers that wait for credit go on. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#credit.close();
    this.#returns.stop();
    this.remotes.close();
    this.#credit.grant();
    await this.#options.links.close();
  }

  #connected(link: LinkConnection): void {
    const id = (this.#lastId += 1);
    const client = new LinkClient(id, link, this.#options.log);
    this.#clients.set(id, client);
    link.onMessage((kind, value, detail) => this.#receive(client, kind, value, detail));
    link.onClose((end) => {
      this.#clients.delete(id);
      if (client.attendant !== undefined) this.#returns.left(client.attendant);
      if (this.#registry.remove(id)) this.#countConsumers();
      if (end.by === 'failure') this.#options.log.warn('a client was dropped', { error: end.error });
      if (client.hello === undefined) return;
      this.#greeted -= 1;
      if (this.#seat?.sits(link) === true) this.#providerLeft(this.#seat);
      this.#credit.grant();
      this.emit('clients', this.clientCount);
    });
  }

  #receive(client: LinkClient, kind: MessageKind, value: number, detail: number): void {
    switch (kind) {
      case MessageKind.HELLO:
        ({ client: client.name, pid: client.pid } = unpackClient(value));
        if (this.#admission.hello(client, detail)) this.emit('clients', this.clientCount);
        return;
      case MessageKind.START:
        this.#admission.start(client, value, detail);
        return;
      case MessageKind.ACK:
        this.#acknowledge(client, value, detail);
        return;
      case MessageKind.PUBLISHED:
        this.#providerPublished(client, value, detail);
        return;
      case MessageKind.STALL:
        this.#stallTimeout(client, value);
        return;
      case MessageKind.PAUSE:
      case MessageKind.RESUME:
        this.#pause(client, kind === MessageKind.PAUSE);
        return;
      default:
        client.refuse('BAD_MESSAGE', `a client sent ${kindName(kind)}, which means nothing here`);
    }
  }

  #providerPublished(client: LinkClient, sequence: number, detail: number): void {
    if (this.#seat?.sits(client.link) === true && this.#seat.published(sequence)) {
      if ((detail & LAST) !== 0) this.#seat.finish();
      this.published();
      // Consumers first: they wait for the buffer, the provider only for its turn to say more.
      this.#seat.answer((detail & UNANSWERED) !== 0);
      this.#credit.stall.look();
      return;
    }
    client.refuse('BAD_MESSAGE', `a client said that it published below ${sequence}, which it cannot have`);
  }

  #stallTimeout(client: LinkClient, timeoutMs: number): void {
    if (this.#seat?.sits(client.link) === true && timeoutMs <= STALL_TIMEOUT_MAX_MS) {
      this.#credit.stall.timeoutMs = timeoutMs;
      return;
    }
    client.refuse('BAD_MESSAGE', `a client asked for a stall timeout of ${timeoutMs} ms, which it may not`);
  }

  #demote(consumer: Consumer): void {
    const client = this.#clients.get(consumer.id);
    consumer.delivery = 'lossy';
    if (client?.attendant !== undefined) {
      this.#returns.demoted(client.attendant);
      client.attendant = undefined;
    }
    this.#countConsumers();
    if (client === undefined) {
      this.remotes.demoted(consumer);
      this.#credit.grant();
      return;
    }
    client.link.signal(MessageKind.DELIVERY, consumer.acknowledged, LOSSY);
    this.#options.log.warn('a stalled consumer is lossy from now on', { client: client.name });
    this.#credit.grant();
    this.emit('demoted', client.name);
  }

  #allBack(): void {
    this.#options.log.info('the consumers of the dead owner are back, or are not waited for any more', {
      consumers: this.#registry.size,
    });
    this.#credit.grant();
    this.emit('complete');
  }

  #providerLeft(seat: ProviderClaim): void {
    const finished = seat.leave();
    this.#credit.stall.timeoutMs = this.#options.stallTimeoutMs ?? 0;
    this.published();
    this.emit('provider', finished ? 'left' : 'died');
  }

  #acknowledge(client: LinkClient, sequence: number, detail: number): void {
    const { consumer } = client;
    // A reader that is awake sees `published` in the file before this process was told.
    const { published } = this.#options.file;
    this.#published = published;
    const outcome = this.#registry.acknowledge(client.id, sequence, published, (detail & AWAKE) === 0);
    if (outcome !== 'accepted' || consumer === undefined) {
      client.refuse(
        'BAD_MESSAGE',
        `a client acknowledged ${sequence} of ${published} published buffers (${outcome})`,
      );
      return;
    }
    if (consumer.delivery === 'lossless') this.#credit.grant();
    this.#signalIfWaiting(client.link, consumer);
  }

  /**
   * A consumer that asks for quiet is not waited for; it still holds its credit, and the present
   * count greets it when it is back.
   */
  #pause({ link, consumer }: LinkClient, pausing: boolean): void {
    if (consumer === undefined) return;
    consumer.paused = pausing;
    this.#signalIfWaiting(link, consumer);
  }

  #signalIfWaiting(link: LinkConnection, consumer: Consumer): void {
    if (!consumer.waiting || consumer.paused || consumer.acknowledged >= this.#published) return;
    consumer.waiting = false;
    this.signals += 1;
    link.signal(MessageKind.PUBLISHED, this.#published);
  }

  /** In the file, so that a successor knows whom to wait for. */
  #countConsumers(): void {
    this.#changes += 1;
    this.emit('consumers', this.#registry.size);
    let lossless = 0;
    for (const { delivery } of this.#registry.all()) if (delivery === 'lossless') lossless += 1;
    this.#returns.count(lossless, this.remotes.lossless);
    this.#options.file.setCounter(COUNTERS.remotes.id, this.remotes.size);
    this.emit('lossless', lossless);
  }
}
