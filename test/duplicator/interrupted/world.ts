/**
 * A flow with its duplicator, a provider and consumers in one process, whose participants run in
 * any order, one small step at a time, and are stopped or killed between any two stores to the flow
 * file. Every decision is drawn from a tape, so that a failing course can be repeated and reduced.
 * Used by interrupted-flow.test.ts. Creates flow files.
 */
import { join } from 'node:path';
import { checkFile } from '../../../duplicator/recovery/checks.js';
import { consumersOfPredecessor } from '../../../duplicator/recovery/obtain-file.js';
import { REATTACH_MS } from '../../../duplicator/recovery/reattach-gate.js';
import { FlowHost } from '../../../duplicator/serving/flow-host.js';
import { COUNTERS } from '../../../protocol/flow/flow-file/counters.js';
import { createFlowFile } from '../../../protocol/flow/flow-file/create.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { interruptedFile } from '../../kit/interrupted-file.js';
import { ManualClock } from '../../kit/manual-clock.js';
import { MemoryLinkServer } from '../../kit/memory-link.js';
import { silent } from '../../kit/silent-log.js';
import { InterruptedConsumer } from './consumer.js';
import { Ledger } from './ledger.js';
import { InterruptedProvider } from './provider.js';
import { LinkRules } from './link-rules.js';
import { StoreRules, type Action } from './store-rules.js';

const CONSUMERS_MAX = 4;
const PAYLOAD_MAX = 24;
/** Participants that are stopped at the same time, each while the one before it is stopped. */
const DEPTH_MAX = 3;
/** Steps after which a flow without interruptions must have delivered everything. */
const STEPS_TO_END = 5_000;

/** Thrown in a participant that is killed between two stores. */
class Killed extends Error {}

type Participant = 'provider' | 'duplicator';

export class World {
  readonly #directory: string;
  readonly #tape: readonly number[];
  /** Place of the next number on the tape. */
  #tapePosition = 0;
  readonly #ledger = new Ledger();
  readonly #needed = ({ epoch }: FlowFile): number =>
    Math.min(...this.#consumers.map((consumer) => consumer.needed(epoch)), Number.POSITIVE_INFINITY);
  readonly #rules = new StoreRules(this.#needed);
  readonly #linkRules = new LinkRules(() => this.#file, this.#needed);
  readonly #files = new Map<number, FlowFile>();
  #file!: FlowFile;
  #clock = new ManualClock();
  #links: MemoryLinkServer | undefined;
  #provider: InterruptedProvider | undefined;
  #consumers: InterruptedConsumer[] = [];
  /** Participants that are stopped between two stores, with those that run meanwhile above. */
  readonly #stopped = new Set<Participant>();
  /** The number that fills the newest payload of the provider. */
  #content = 0;
  /** Whether participants are stopped and killed between stores. */
  #isInterrupting = false;

  constructor(directory: string, tape: readonly number[]) {
    this.#directory = directory;
    this.#tape = tape;
    this.#create(2 + this.#draw(7), 8 + 4 * this.#draw(4));
  }

  /** How often each action of the model was seen in the stores to the files. */
  get actions(): ReadonlyMap<Action, number> {
    return this.#rules.seen;
  }

  /** How often each message of the model was seen on the links: sender and kind. */
  get messages(): ReadonlyMap<string, number> {
    return this.#linkRules.seen;
  }

  /** Runs until the tape ends, then without interruptions until all is delivered. */
  run(): void {
    this.#isInterrupting = true;
    while (this.#tapePosition < this.#tape.length) this.#step();
    this.#isInterrupting = false;
    this.#finish();
  }

  /** A number below `bound`; 0 behind the end of the tape. */
  #draw(bound: number): number {
    const drawn = this.#tape[this.#tapePosition] ?? 0;
    this.#tapePosition += 1;
    return drawn % bound;
  }

  #step(): void {
    switch (this.#draw(16)) {
      case 0:
      case 1:
      case 2:
        this.#write();
        break;
      case 3:
      case 4:
        this.#deliverToDuplicator();
        break;
      case 5:
        this.#deliverToClients();
        break;
      case 6:
      case 7:
      case 8:
        this.#drawConsumer()?.read();
        break;
      case 9:
      case 10:
        this.#drawConsumer()?.take();
        break;
      case 11:
        this.#drawConsumer()?.release(this.#draw(8));
        break;
      case 12:
        this.#rareEvent();
        break;
      case 13:
        this.#drawConsumer()?.resize(this.#draw(16));
        break;
      case 14:
        this.#drawConsumer()?.deliverWithdrawals();
        break;
      default:
        this.#attach();
    }
    this.#ledger.record(this.#file);
  }

  /** Rare events: a new consumer, deaths, and a flow that is opened with other sizes. */
  #rareEvent(): void {
    switch (this.#draw(8)) {
      case 0:
      case 1:
      case 2:
        this.#addConsumer();
        break;
      case 3:
      case 4:
        this.#killConsumer();
        break;
      case 5:
        if (!this.#stopped.has('provider')) this.#killProvider();
        break;
      case 6:
        if (!this.#stopped.has('duplicator')) this.#killDuplicator();
        break;
      default:
        if (this.#stopped.size === 0 && this.#draw(4) === 0) this.#reopen();
    }
  }

  /** The present file for one participant, whose stores are checked and interrupted. */
  #fileOf(participant: Participant): FlowFile {
    const file = this.#file;
    return interruptedFile(file, (store) => {
      this.#between(participant);
      this.#rules.check(file, store);
    });
  }

  /** Before a store of a participant: nothing, or others run, or it is killed. */
  #between(participant: Participant): void {
    this.#ledger.record(this.#file);
    if (!this.#isInterrupting || this.#stopped.size >= DEPTH_MAX || this.#tapePosition >= this.#tape.length)
      return;
    // In 24 stores: 18 times nothing, five times others run, once it is killed.
    const drawn = this.#draw(24);
    if (drawn < 18 || this.#stopped.has(participant)) return;
    if (drawn === 23) throw new Killed();
    this.#stopped.add(participant);
    try {
      for (let steps = 1 + this.#draw(6); steps > 0; steps -= 1) this.#step();
    } finally {
      this.#stopped.delete(participant);
    }
  }

  /** Runs an action of a participant, which may be killed in it. */
  #act(participant: Participant, action: () => void): void {
    if (this.#stopped.has(participant)) return;
    try {
      action();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      if (participant === 'provider') this.#killProvider();
      else this.#killDuplicator();
    }
  }

  #write(): void {
    const slots = 1 + this.#draw(4);
    const abandoned = this.#draw(8);
    this.#act('provider', () =>
      this.#provider?.write(slots, (slot) => abandoned === slot && this.#isInterrupting),
    );
  }

  #deliverToDuplicator(): void {
    const waiting = (this.#links?.links ?? []).filter((link) => link.waiting > 0);
    const link = waiting[this.#draw(Math.max(1, waiting.length))];
    if (link !== undefined) this.#act('duplicator', () => link.deliver());
  }

  #deliverToClients(): void {
    const links = this.#consumers.map(({ link }) => link);
    if (!this.#stopped.has('provider')) links.push(this.#provider?.link);
    const waiting = links.filter((link) => link !== undefined && link.waiting > 0);
    const link = waiting[this.#draw(Math.max(1, waiting.length))];
    if (link === undefined) return;
    if (link === this.#provider?.link) this.#act('provider', () => link.deliver());
    else link.deliver();
  }

  /** A participant without a link joins; a dead duplicator is replaced; a dead provider too. */
  #attach(): void {
    if (this.#links === undefined) {
      if (!this.#stopped.has('duplicator')) this.#act('duplicator', () => this.#takeOver());
      return;
    }
    const links = this.#links;
    if (this.#provider === undefined) this.#provider = this.#newProvider();
    if (this.#provider.link === undefined && !this.#stopped.has('provider')) {
      this.#provider.join(links.connect());
      return;
    }
    const consumer = this.#consumers.find(({ link }) => link === undefined);
    if (consumer !== undefined) consumer.join(links.connect());
    else if (this.#consumers.every(({ attached }) => attached))
      this.#act('duplicator', () => this.#clock.advance(REATTACH_MS));
  }

  #drawConsumer(): InterruptedConsumer | undefined {
    return this.#consumers[this.#draw(Math.max(1, this.#consumers.length))];
  }

  #addConsumer(): void {
    if (this.#consumers.length >= CONSUMERS_MAX) return;
    const delivery = this.#draw(3) === 0 ? 'lossy' : 'lossless';
    const before = this.#draw(8);
    const starts = ['oldest', 'latest', Math.max(0, this.#file.published - before)] as const;
    const options = {
      delivery,
      start: starts[this.#draw(3)] ?? 'oldest',
      history: 1 + this.#draw(8),
      payloadCapacity: PAYLOAD_MAX,
    } as const;
    this.#consumers.push(
      new InterruptedConsumer(options, this.#ledger, (epoch) => this.#files.get(epoch) ?? this.#file),
    );
  }

  #killConsumer(): void {
    const consumer = this.#drawConsumer();
    consumer?.link?.destroy();
    this.#consumers = this.#consumers.filter((one) => one !== consumer);
  }

  #newProvider(): InterruptedProvider {
    const between = (): void => this.#between('provider');
    return new InterruptedProvider(this.#fileOf('provider'), between, () => (this.#content += 1));
  }

  #killProvider(): void {
    this.#provider?.link?.destroy();
    this.#provider = undefined;
  }

  #killDuplicator(): void {
    this.#links?.destroy();
    this.#links = undefined;
  }

  /** A new file of other sizes, in a new epoch, and its duplicator. */
  #create(slotCount: number, payloadCapacity: number): void {
    const epoch = this.#files.size + 1;
    this.#file = createFlowFile({
      path: join(this.#directory, `${epoch}.flow`),
      identity: { application: 'test', flow: 'numbers', type: 'bytes', properties: {} },
      slotCount,
      payloadCapacity,
      flags: 0,
      epoch,
      mode: 0o600,
    });
    this.#files.set(epoch, this.#file);
    this.#host(
      interruptedFile(this.#file, () => this.#between('duplicator')),
      0,
    );
  }

  /** All participants leave, and the flow is opened with other sizes. */
  #reopen(): void {
    this.#killProvider();
    this.#killDuplicator();
    for (const consumer of this.#consumers) while (consumer.link?.deliver() === true);
    this.#isInterrupting = false;
    this.#create(2 + this.#draw(7), 8 + 4 * this.#draw(4));
    this.#isInterrupting = true;
  }

  /** A successor repairs the file and takes it over, as obtain-file.ts and examine.ts do. */
  #takeOver(): void {
    const file = this.#fileOf('duplicator');
    for (const { check, state, text, repair } of checkFile(file)) {
      if (state === 'unsound') throw new Error(`the file of a dead duplicator is damaged: ${check}: ${text}`);
      repair?.();
    }
    const expected = consumersOfPredecessor(file);
    file.setCounter(COUNTERS.awaited.id, expected);
    file.setCounter(COUNTERS.lossless.id, 0);
    this.#host(file, expected);
  }

  #host(file: FlowFile, expected: number): void {
    this.#clock = new ManualClock();
    const links = new MemoryLinkServer((...message) => this.#linkRules.check(...message));
    const host = new FlowHost({
      file,
      links,
      providerLinks: links, // one server for all: everyone may provide
      local: true,
      expected,
      openSlots: 0,
      clock: this.#clock,
      log: silent,
    });
    host.setSourceState('live', 1);
    this.#links = links;
  }

  /** All attach and read until everything that is published, and more, was delivered. */
  #finish(): void {
    for (const buffers of [0, 2 * this.#file.geometry.slotCount + 1]) {
      const until = this.#file.published + buffers;
      let steps = 0;
      while (!this.#isDelivered(until)) {
        if ((steps += 1) > STEPS_TO_END) throw new Error(`the flow stands still: ${this.#state()}`);
        this.#attach();
        if (this.#file.published < until) this.#write();
        for (const link of this.#links?.links ?? []) while (link.deliver());
        while (this.#provider?.link?.deliver() === true);
        for (const consumer of this.#consumers) {
          while (consumer.link?.deliver() === true);
          consumer.read();
          consumer.take();
          consumer.release(0);
          consumer.deliverWithdrawals();
        }
        this.#ledger.record(this.#file);
      }
    }
    for (const consumer of this.#consumers) consumer.checkEnd();
  }

  #isDelivered(until: number): boolean {
    return this.#file.published >= until && this.#consumers.every(({ isUpToDate }) => isUpToDate);
  }

  #state(): string {
    const { published, granted, geometry } = this.#file;
    const consumers = this.#consumers.map(({ attached, delivery }) => ({ attached, delivery }));
    return JSON.stringify({ published, granted, slots: geometry.slotCount, consumers });
  }
}
