/**
 * Serves a flow file to its clients over the signal link: welcomes them, tells waiting consumers what was published, takes their
 * acknowledgements, and lets the writer know how far it may go. A client that goes stops counting in the same turn.
 */
import { EventEmitter } from 'eventemitter3';
import { systemClock, type Clock } from '../protocol/clock.js';
import type { DuplicatorFigures } from '../protocol/contract/figures.js';
import type { ErrorCode } from '../protocol/errors.js';
import { COUNTERS } from '../protocol/flow-file/counters.js';
import type { FlowFile } from '../protocol/flow-file/flow-file.js';
import { slotOffset } from '../protocol/flow-file/geometry.js';
import { HEADER, SLOT, SOURCE_STATES, type SourceState } from '../protocol/flow-file/layout.js';
import type { Logger } from '../protocol/log.js';
import type { LinkConnection, LinkServer } from '../protocol/signal-link/link.js';
import {
  AWAKE,
  LAST,
  LINK_VERSION,
  MessageKind,
  UNANSWERED,
  kindName,
  packHello,
  packRefusal,
  unpackClient,
  unpackHello,
  type Hello,
} from '../protocol/signal-link/messages.js';
import { isAlive } from '../protocol/owner-identity.js';
import { ConsumerRegistry, type Consumer } from './consumer-registry.js';
import { ProviderSeat } from './provider-seat.js';
import { Attendance, type Attendant } from './recovery/attendance.js';
import { REATTACH_MS, ReattachHold } from './recovery/reattach-hold.js';
import { RemoteConsumers } from './remote/remote-consumers.js';
import { StallWatch } from './stall-watch.js';

export interface FlowHostOptions {
  readonly file: FlowFile;
  /** Its socket; owned by the host from now on. */
  readonly links: LinkServer;
  /**
   * Slots beyond the published ones that the writer may count on before it opens them, which clears their sequences: a consumer never starts on
   * those, unless they are held for somebody already.
   */
  readonly openSlots: number;
  /** A local flow: a provider may take its seat. Without it the flow is filled by the duplicator itself. */
  readonly local?: boolean;
  /** Milliseconds after which a lossless consumer that holds the writer back becomes lossy; 0, the default, is never. A provider may say another. */
  readonly stallTimeoutMs?: number;
  /** Lossless consumers of a dead predecessor whose file this is: its provider gets no more credit than it had before they are back. */
  readonly expected?: number;
  /**
   * Asked before a lossless consumer is admitted to a flow that another host sends: resolves when nothing of what comes is left out any
   * more; undefined when that is so already.
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
const EPOCH_LOW = 2 ** 32;

/** Longest stall timeout that a provider may ask for. */
const STALL_TIMEOUT_MAX_MS = 86_400_000;

interface Client {
  readonly link: LinkConnection;
  /** Undefined for an observer, and before HELLO. */
  consumer: Consumer | undefined;
  hello: Hello | undefined;
  /** What it said it was. */
  name: number;
  /** Of its process; 0 when it did not say. */
  pid: number;
  /** Of a lossless consumer. */
  attendant: Attendant | undefined;
}

/** How far somebody on the link is. */
export type LinkStanding = DuplicatorFigures['links'][number];

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
}

export class FlowHost extends EventEmitter<FlowHostEvents> {
  readonly #options: FlowHostOptions;
  readonly #registry = new ConsumerRegistry();
  readonly #clients = new Map<number, Client>();
  readonly #creditWaiters = new Set<() => void>();
  readonly #seat: ProviderSeat | undefined;
  readonly #stall: StallWatch;
  readonly #hold: ReattachHold;
  readonly #attendance: Attendance;
  /** Duplicators of other hosts that receive the flow. */
  readonly remotes: RemoteConsumers;
  /** Of the provider far away whose buffers come from another host. */
  #generation = 0;
  /** Receivers on other hosts that a dead predecessor had. */
  readonly #remotesBefore: number;
  /** So many of them are back. */
  #remotesBack = 0;
  #changes = 0;
  #lastId = 0;
  #greeted = 0;
  #published: number;
  /** The sequence that the duplicator itself waits to write. */
  #wanted = 0;
  #closed = false;
  signals = 0;
  stalls = 0;

  constructor(options: FlowHostOptions) {
    super();
    this.#options = options;
    const { file, expected = 0, local } = options;
    this.#published = file.published;
    this.#remotesBefore = expected > 0 ? file.counter(COUNTERS.holdingRemotes.id) : 0;
    const floor = Math.max(0, file.words.load64(HEADER.granted) - file.geometry.slotCount);
    const clock = options.clock ?? systemClock;
    this.#hold = new ReattachHold(expected, floor, clock, () => this.#allBack(), options.reattachMs);
    this.#attendance = new Attendance(file, Math.max(0, expected - this.#remotesBefore));
    file.setCounter(COUNTERS.awaited.id, this.#hold.missing);
    this.#seat = local === true ? new ProviderSeat(file, () => this.#neededFrom) : undefined;
    this.#stall = new StallWatch(
      clock,
      options.stallTimeoutMs ?? 0,
      () => this.#holding(),
      (consumer) => this.#demote(consumer),
    );
    this.remotes = new RemoteConsumers(clock, options.reattachMs ?? REATTACH_MS, {
      registry: this.#registry,
      nextId: () => (this.#lastId += 1),
      published: () => file.published,
      oldest: (delivery, wanted) => this.#oldest({ delivery }, wanted),
      returned: () => {
        if (this.#remotesBack >= this.#remotesBefore) return false;
        this.#remotesBack += 1;
        this.#hold.returned();
        return true;
      },
      left: () => {
        this.#remotesBack -= 1;
        this.#hold.left();
      },
      changed: () => {
        this.#countConsumers();
        this.#grantCredit();
        this.emit('clients', this.clientCount);
      },
      acknowledged: () => this.#grantCredit(),
      isHolding: (consumer) => this.#holding().includes(consumer),
    });
    options.links.onConnection((link) => this.#connected(link));
  }

  /** Those on this host and the duplicators of others. */
  get clientCount(): number {
    return this.#greeted + this.remotes.size;
  }

  /** As the provider that is there or was last has it; 0 where the duplicator fills the flow by itself. */
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

  /** Writes the source's state into the flow file and tells all clients. `generation`: of a provider on another host. */
  setSourceState(state: SourceState, sinceNs: number, generation = 0): void {
    this.#generation = generation;
    this.#options.file.setSourceState(state, sinceNs, this.generation);
    for (const { link, hello, consumer } of this.#clients.values()) {
      // One that waits to be welcomed is told then.
      if (hello !== undefined && (hello.role !== 'consumer' || consumer !== undefined))
        this.#tellState(link, state);
    }
    this.remotes.stateChanged();
  }

  /** Everybody who said HELLO. */
  get links(): LinkStanding[] {
    const { published } = this.#options.file;
    const holding = new Set(this.#holding());
    const standings: LinkStanding[] = [];
    for (const { consumer, hello, name } of this.#clients.values()) {
      if (hello === undefined) continue;
      const common = { client: name, role: hello.role };
      if (consumer === undefined) standings.push({ ...common, holding: false });
      else {
        const { delivery, paused, acknowledged } = consumer;
        const lag = Math.max(0, published - acknowledged);
        standings.push({ ...common, delivery, paused, acknowledged, lag, holding: holding.has(consumer) });
      }
    }
    return standings;
  }

  /** Of the consumers on this host that a dead predecessor had, no more than so many live: the others are not waited for. */
  expectAtMost(consumers: number): void {
    this.#hold.expectAtMost(consumers + this.#remotesBefore);
  }

  hasCredit(sequence: number): boolean {
    return sequence < this.creditLimit;
  }

  /** Sequences below it may be written, for as long as `changes` is what it is. */
  get creditLimit(): number {
    return this.#neededFrom + this.#options.file.geometry.slotCount;
  }

  /** The first sequence that a lossless consumer needs, one that is awaited among them; Infinity without one. */
  get #neededFrom(): number {
    return Math.min(this.#registry.slowest(), this.#hold.floor);
  }

  /** Counts consumers that came, went or changed: only then a limit may become lower. */
  get changes(): number {
    return this.#changes;
  }

  /** Resolves when the slot of `sequence` may be written; also when the host closes. */
  async credit(sequence: number): Promise<void> {
    if (this.hasCredit(sequence)) return;
    this.stalls += 1;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!this.#closed && !this.hasCredit(sequence)) return;
        this.#creditWaiters.delete(look);
        resolve();
      };
      this.#creditWaiters.add(look);
      this.#wanted = sequence;
      this.#stall.look();
    });
  }

  /** Ends every connection and the socket; writers that wait for credit go on. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stall.stop();
    this.#hold.stop();
    this.remotes.close();
    this.#grantCredit();
    await this.#options.links.close();
  }

  #connected(link: LinkConnection): void {
    const id = (this.#lastId += 1);
    const client: Client = {
      link,
      consumer: undefined,
      hello: undefined,
      name: 0,
      pid: 0,
      attendant: undefined,
    };
    this.#clients.set(id, client);
    link.onMessage((kind, value, detail) => this.#receive(id, client, kind, value, detail));
    link.onClose((end) => {
      this.#clients.delete(id);
      if (client.attendant !== undefined) this.#left(client.attendant);
      if (this.#registry.remove(id)) this.#countConsumers();
      if (end.by === 'failure') this.#options.log.warn('a client was dropped', { error: end.error });
      if (client.hello === undefined) return;
      this.#greeted -= 1;
      if (this.#seat?.sits(link) === true) this.#providerLeft(this.#seat);
      this.#grantCredit();
      this.emit('clients', this.clientCount);
    });
  }

  #receive(id: number, client: Client, kind: MessageKind, value: number, detail: number): void {
    switch (kind) {
      case MessageKind.HELLO:
        ({ client: client.name, pid: client.pid } = unpackClient(value));
        this.#hello(id, client, detail);
        return;
      case MessageKind.START:
        this.#start(id, client, value, detail);
        return;
      case MessageKind.ACK:
        this.#acknowledge(id, client, value, detail);
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
        this.#refuse(client, 'BAD_MESSAGE', `a client sent ${kindName(kind)}, which means nothing here`);
    }
  }

  #hello(id: number, client: Client, detail: number): void {
    const hello = unpackHello(detail);
    if (hello === undefined || client.hello !== undefined) {
      this.#refuse(client, 'BAD_MESSAGE', 'a client sent a HELLO that cannot be understood, or a second one');
      return;
    }
    if (hello.version !== LINK_VERSION) {
      const message = `a client speaks version ${hello.version} of the signal link, this duplicator version ${LINK_VERSION}`;
      this.#refuse(client, 'VERSION_MISMATCH', message);
      return;
    }
    if (hello.role === 'provider' && !this.#seatProvider(client, hello)) return;
    client.hello = hello;
    this.#greeted += 1;
    if (hello.role === 'observer') this.#welcome(client, hello, this.#published);
    else if (hello.role === 'provider') this.emit('provider', 'came');
    else if (hello.start !== 'sequence')
      this.#whenHeld(id, hello, () =>
        this.#admit(
          id,
          client,
          hello,
          hello.start === 'oldest' ? this.#oldest(hello) : this.#options.file.published,
        ),
      );
    this.emit('clients', this.clientCount);
  }

  #seatProvider(client: Client, hello: Hello): boolean {
    if (this.#seat === undefined) {
      this.#refuse(client, 'REFUSED', 'a client wanted to provide a flow that is filled from a source');
      return false;
    }
    if (this.#seat.take(client.link, hello)) {
      this.published(); // it may have gone on alone while there was no duplicator
      return true;
    }
    this.#refuse(client, 'FLOW_BUSY', 'a second provider wanted to join');
    return false;
  }

  #providerPublished(client: Client, sequence: number, detail: number): void {
    if (this.#seat?.sits(client.link) === true && this.#seat.published(sequence)) {
      if ((detail & LAST) !== 0) this.#seat.finish();
      this.published();
      // Consumers first: they wait for the buffer, the provider only for its turn to say more.
      this.#seat.answer((detail & UNANSWERED) !== 0);
      this.#stall.look();
      return;
    }
    this.#refuse(
      client,
      'BAD_MESSAGE',
      `a client said that it published below ${sequence}, which it cannot have`,
    );
  }

  #stallTimeout(client: Client, timeoutMs: number): void {
    if (this.#seat?.sits(client.link) === true && timeoutMs <= STALL_TIMEOUT_MAX_MS) {
      this.#stall.timeoutMs = timeoutMs;
      return;
    }
    this.#refuse(
      client,
      'BAD_MESSAGE',
      `a client asked for a stall timeout of ${timeoutMs} ms, which it may not`,
    );
  }

  /** The lossless consumers without whose acknowledgement the writer cannot go on. */
  #holding(): Consumer[] {
    const { file } = this.#options;
    // A provider stops where its credit ends, which is a ring beyond the slowest; the duplicator itself says what it waits for.
    if (this.#seat === undefined ? this.#creditWaiters.size === 0 : !this.#seat.taken) return [];
    const next = this.#seat === undefined ? this.#wanted : file.published;
    return [...this.#registry.all()].filter(
      ({ delivery, acknowledged }) =>
        delivery === 'lossless' && acknowledged + file.geometry.slotCount <= next,
    );
  }

  #demote(consumer: Consumer): void {
    const client = this.#clients.get(consumer.id);
    consumer.delivery = 'lossy';
    if (client?.attendant !== undefined) this.#attendance.leave(client.attendant, false);
    if (client !== undefined) client.attendant = undefined;
    this.#countConsumers();
    if (client === undefined) {
      this.remotes.demoted(consumer);
      this.#grantCredit();
      return;
    }
    client.link.signal(MessageKind.DELIVERY, consumer.acknowledged, LOSSY);
    this.#options.log.warn('a stalled consumer is lossy from now on', { client: client.name });
    this.#grantCredit();
    this.emit('demoted', client.name);
  }

  #providerLeft(seat: ProviderSeat): void {
    const finished = seat.leave();
    this.#stall.timeoutMs = this.#options.stallTimeoutMs ?? 0;
    this.published();
    this.emit('provider', finished ? 'left' : 'died');
  }

  /** `epochLow`: low half of the epoch the sequence was counted in; 0 when the client means the present one. */
  #start(id: number, client: Client, sequence: number, epochLow: number): void {
    const { hello } = client;
    if (hello === undefined || hello.start !== 'sequence' || client.consumer !== undefined) {
      this.#refuse(client, 'BAD_MESSAGE', 'a client sent a START that nothing asked for');
      return;
    }
    this.#whenHeld(id, hello, () => this.#startAt(id, client, hello, sequence, epochLow));
  }

  /** Admits a lossless consumer when what comes from another host is not left out any more, everybody else at once. */
  #whenHeld(id: number, { delivery }: Hello, admit: () => void): void {
    const held = delivery === 'lossless' ? this.beforeLossless() : undefined;
    if (held === undefined) admit();
    else
      void held.then(() => {
        if (this.#clients.get(id)?.consumer === undefined && this.#clients.has(id) && !this.#closed) admit();
      });
  }

  #startAt(id: number, client: Client, hello: Hello, sequence: number, epochLow: number): void {
    const comparable = epochLow === 0 || epochLow === this.#options.file.epoch % EPOCH_LOW;
    // The file knows better than this process what was published: a provider needs no duplicator to publish.
    const wanted = comparable ? Math.min(sequence, this.#options.file.published) : 0;
    const returns = epochLow !== 0 && comparable;
    this.#admit(id, client, hello, Math.max(wanted, this.#oldest(hello, wanted)), returns);
  }

  /** `returns`: it was in this epoch of the flow before. */
  #admit(id: number, client: Client, hello: Hello, first: number, returns = false): void {
    client.consumer = this.#registry.add(id, hello.delivery, first);
    this.#countConsumers();
    if (hello.delivery === 'lossless') {
      client.attendant = this.#attendance.enter(client.pid, returns);
      if (client.attendant.awaited) {
        this.#hold.returned();
        this.#countConsumers();
      }
    }
    this.#welcome(client, hello, first);
    this.#signalIfWaiting(client.link, client.consumer);
  }

  /** One that had come back and goes again may be on the way to come once more, unless its process has died. */
  #left(attendant: Attendant): void {
    const { awaited, process } = attendant;
    const again = awaited && this.#hold.missing > 0 && (process === undefined || isAlive(process));
    this.#attendance.leave(attendant, again);
    if (again) this.#hold.left();
    else if (awaited) this.#hold.died();
  }

  #welcome({ link }: Client, hello: Hello, first: number): void {
    const { file } = this.#options;
    link.signal(MessageKind.WELCOME, file.epoch, packHello(hello));
    link.signal(MessageKind.BEGIN, first);
    this.#tellState(link, file.sourceState);
  }

  #tellState(link: LinkConnection, state: SourceState): void {
    link.signal(MessageKind.STATUS, this.generation, SOURCE_STATES[state]);
  }

  #acknowledge(id: number, client: Client, sequence: number, detail: number): void {
    const { consumer } = client;
    // A reader that is awake sees `published` in the file before this process was told.
    const { published } = this.#options.file;
    this.#published = published;
    const outcome = this.#registry.acknowledge(id, sequence, published, (detail & AWAKE) === 0);
    if (outcome !== 'accepted' || consumer === undefined) {
      this.#refuse(
        client,
        'BAD_MESSAGE',
        `a client acknowledged ${sequence} of ${published} published buffers (${outcome})`,
      );
      return;
    }
    if (consumer.delivery === 'lossless') this.#grantCredit();
    this.#signalIfWaiting(client.link, consumer);
  }

  /** A consumer that asks for quiet is not waited for; it still holds its credit, and the present count greets it when it is back. */
  #pause({ link, consumer }: Client, pausing: boolean): void {
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

  #refuse(client: Client, code: ErrorCode, message: string): void {
    client.link.signal(MessageKind.REFUSED, 0, packRefusal(code));
    this.#options.log.warn('a client was refused', { code, reason: message });
    client.link.close();
  }

  /** In the file, so that a successor knows whom to wait for. */
  #countConsumers(): void {
    this.#changes += 1;
    this.emit('consumers', this.#registry.size);
    let lossless = 0;
    for (const { delivery } of this.#registry.all()) if (delivery === 'lossless') lossless += 1;
    const { file } = this.#options;
    const { missing } = this.#hold;
    // A successor, whenever it comes, finds too many rather than too few.
    file.setCounter(COUNTERS.awaited.id, Math.max(missing, file.counter(COUNTERS.awaited.id)));
    file.setCounter(COUNTERS.lossless.id, lossless);
    file.setCounter(COUNTERS.awaited.id, missing);
    file.setCounter(COUNTERS.remotes.id, this.remotes.size);
    const remotes = this.remotes.lossless + (missing > 0 ? this.#remotesBefore - this.#remotesBack : 0);
    file.setCounter(COUNTERS.holdingRemotes.id, remotes);
    this.emit('lossless', lossless);
  }

  /** Nobody is awaited any more. */
  #allBack(): void {
    this.#attendance.over();
    this.#options.file.setCounter(COUNTERS.awaited.id, 0);
    this.#options.log.info('the consumers of the dead owner are back, or are not waited for any more', {
      consumers: this.#registry.size,
    });
    this.#grantCredit();
  }

  #grantCredit(): void {
    this.#seat?.update();
    this.#stall.look();
    for (const look of this.#creditWaiters) look();
  }

  /**
   * The oldest sequence from `wanted` on whose slot the writer has not opened, and for a lossless consumer will not open without credit. What
   * is held for one who comes back is there to the last slot: the writer, at the end of its credit, waits for that very slot.
   */
  #oldest({ delivery }: Pick<Hello, 'delivery'>, wanted = 0): number {
    const { file, openSlots } = this.#options;
    const lossless = delivery === 'lossless';
    if (this.#seat !== undefined) return this.#seat.oldest(wanted, lossless);
    const { words, geometry } = file;
    const ring = this.#published - geometry.slotCount;
    const sure = ring + (lossless ? openSlots : Math.max(1, openSlots));
    let oldest = Math.max(0, wanted, ring, Math.min(sure, this.#neededFrom));
    // What was lost on the way from another host is no buffer to begin with.
    while (
      oldest < this.#published &&
      words.load64(slotOffset(geometry, oldest) + SLOT.sequence) !== oldest + 1
    )
      oldest += 1;
    return oldest;
  }
}
