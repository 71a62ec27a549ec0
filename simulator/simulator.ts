/** A simulated SpecTcl in this process: spectra that fill, a mirror service and a REST service. */
import { MirrorflowError, describeError, systemCode } from '../protocol/base/errors.js';
import { DISPLAY_HEADER_BYTES } from '../protocol/spectcl/display-memory.js';
import { CHECKSUM_SPECTRUM, ChecksumWriter, checksumOffset } from './checksum.js';
import { churnSpectrum, defaultSpectra, fillerSpectra } from './default-spectra.js';
import { EventPump } from './event-pump.js';
import { LentMemory } from './lent-memory.js';
import { MirrorDirectory } from './mirror-directory.js';
import { type MirrorCounters, MirrorService, type Snapshot } from './mirror-service.js';
import { GOOD_BEHAVIOUR, type Misbehaviour } from './misbehaviour.js';
import { type RandomBits, randomBits } from './random.js';
import { RestService } from './rest-service.js';
import { ServerThreads } from './server-threads.js';
import { sparseStep } from './sparse-step.js';
import { SpectrumBoard } from './spectrum-board.js';
import type { Flavour, SpectrumDefinition } from './spectrum-definition.js';
import { TraceBook } from './trace-book.js';

export type { SpectrumDefinition } from './spectrum-definition.js';

export interface SimulatorOptions {
  readonly flavour?: Flavour;
  /** Where both services listen. Default 127.0.0.1. */
  readonly host?: string;
  /** 0, the default: any free one. */
  readonly restPort?: number;
  readonly mirrorPort?: number;
  /** Channel storage. Default 8 MiB. */
  readonly channelBytes?: number;
  /** Instead of the default ones. */
  readonly spectra?: readonly SpectrumDefinition[];
  /** Filler spectra, up to 9,000, that share what storage is left. Default 0. */
  readonly fillers?: number;
  /** Events per second. Default 100,000; 0 leaves all steps to `step`. */
  readonly rate?: number;
  readonly intervalMs?: number;
  /** Change only so many percent of the 4 KiB blocks in each step. */
  readonly sparsePercent?: number;
  /** Every so many seconds a spectrum comes or goes. */
  readonly bindingChurnS?: number;
  /** Keep a spectrum `checksum` up to date. Default true. */
  readonly checksum?: boolean;
  readonly seed?: number;
  /** TCP_NODELAY on mirror connections. Default false, as SpecTcl. */
  readonly noDelay?: boolean;
  /** Replies may tear, as SpecTcl's do. Default false. */
  readonly tear?: boolean;
  readonly misbehaviour?: Partial<Misbehaviour>;
}

export interface SimulatorCounters extends MirrorCounters {
  restRequests: number;
}

const DEFAULT_CHANNEL_BYTES = 8 * 1024 * 1024;
const DEFAULT_RATE = 100_000;
const DEFAULT_INTERVAL_MS = 100;
const FILLERS_MAX = 9_000;
/** Storage the fillers leave free, for spectra that come later. */
const FREE_BYTES = 64 * 1024;

/**
 * Throws ADDRESS_IN_USE or SYSTEM_ERROR when a port cannot be had, TOO_LARGE when the spectra do
 * not fit.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = new Simulator(options);
  try {
    await simulator.listen();
    return simulator;
  } catch (error) {
    await simulator.close();
    if (error instanceof MirrorflowError) throw error;
    throw new MirrorflowError(
      systemCode(error) === 'EADDRINUSE' ? 'ADDRESS_IN_USE' : 'SYSTEM_ERROR',
      `The simulator cannot listen: ${describeError(error)}`,
      {},
      error,
    );
  }
}

/** Made by `startSimulator`; its owner closes it. */
export class Simulator {
  readonly counters: SimulatorCounters = {
    mirrorConnections: 0,
    currentConnections: 0,
    updatesServed: 0,
    bytesServed: 0,
    restRequests: 0,
  };
  readonly #options: SimulatorOptions;
  readonly #host: string;
  readonly #random: RandomBits;
  readonly #memory: LentMemory;
  readonly #board: SpectrumBoard;
  readonly #traces = new TraceBook(() => performance.now());
  readonly #misbehaviour: Misbehaviour;
  readonly #threads = new ServerThreads(() => this.#misbehaviour.mirror === 'hang');
  readonly #checksum: ChecksumWriter | undefined;
  readonly #mirror: MirrorService;
  readonly #rest: RestService;
  readonly #pump: EventPump;
  #churnTimer: NodeJS.Timeout | undefined;
  #churnRound = 0;
  #checkedChanges = -1;
  #events = 0;
  #restPort = 0;
  #mirrorPort = 0;

  constructor(options: SimulatorOptions) {
    this.#options = options;
    this.#host = options.host ?? '127.0.0.1';
    this.#random = randomBits(options.seed ?? 1);
    const flavour = options.flavour ?? 'spectcl';
    this.#memory = new LentMemory(DISPLAY_HEADER_BYTES + (options.channelBytes ?? DEFAULT_CHANNEL_BYTES), {
      tear: options.tear ?? false,
      whenReturned: () => this.#pump.catchUp(),
    });
    this.#board = new SpectrumBoard(this.#memory, flavour);
    this.#misbehaviour = { ...GOOD_BEHAVIOUR, ...options.misbehaviour };
    this.#checksum = (options.checksum ?? true) ? new ChecksumWriter() : undefined;
    this.#defineFirst();
    const directory = new MirrorDirectory();
    const shared = {
      flavour,
      directory,
      misbehaviour: this.#misbehaviour,
      counters: this.counters,
      threads: this.#threads,
    };
    this.#mirror = new MirrorService({
      ...shared,
      noDelay: options.noDelay ?? false,
      snapshot: () => this.#snapshot(),
    });
    this.#rest = new RestService({
      ...shared,
      board: this.#board,
      traces: this.#traces,
      variables: () => this.#variables(),
    });
    this.#pump = new EventPump(options.rate ?? DEFAULT_RATE, {
      intervalMs: options.intervalMs ?? DEFAULT_INTERVAL_MS,
      held: () => this.#memory.lent,
      step: (events) => this.step(events),
    });
    const { bindingChurnS = 0 } = options;
    if (bindingChurnS > 0) this.#churnTimer = setInterval(() => this.#churn(), bindingChurnS * 1000);
  }

  get restPort(): number {
    return this.#restPort;
  }

  get mirrorPort(): number {
    return this.#mirrorPort;
  }

  /** Where it is, as programs of mirrorflow take it. */
  get address(): string {
    const host = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    return `spectcl://${host}?rest=${this.#restPort}&mirror=${this.#mirrorPort}`;
  }

  /**
   * The display memory as it is; to be read, and not kept, since a change may move it to another
   * buffer.
   */
  get memory(): Uint8Array {
    return this.#memory.current;
  }

  /** Events so far. */
  get events(): number {
    return this.#events;
  }

  /** Times the memory was copied because it had to change while a reply was being sent. */
  get copies(): number {
    return this.#memory.copies;
  }

  /** Threads that its mirror service has lost, as SpecTcl does: see ServerThreads. */
  get lostThreads(): number {
    return this.#threads.lost;
  }

  /** Times that SpecTcl might have aborted: a connection was reset before its first reply. */
  get aborts(): number {
    return this.#threads.aborts;
  }

  /** Counts events now. */
  step(events: number): void {
    this.#events += events;
    const { sparsePercent } = this.#options;
    if (sparsePercent === undefined) {
      this.#board.count(events, this.#random);
      return;
    }
    const used = this.#board.usedBytes();
    this.#board.touch((memory) => {
      const spared = this.#checksum === undefined ? undefined : checksumOffset(memory);
      sparseStep(memory, used, sparsePercent, events, this.#random, spared);
    });
  }

  /** Throws BAD_NAME, BAD_OPTION, TOO_LARGE or LIMIT_REACHED. */
  define(definition: SpectrumDefinition): void {
    const { slot } = this.#board.define(definition);
    this.#recordAdded(definition.name, slot);
  }

  /** False when there is no such spectrum. */
  undefine(name: string): boolean {
    const slot = this.#slotOf(name);
    if (!this.#board.undefine(name)) return false;
    this.#recordRemoved(name, slot);
    return true;
  }

  /** False when there is no spectrum `from`, or one called `to`. */
  rename(from: string, to: string): boolean {
    const slot = this.#slotOf(from);
    if (!this.#board.rename(from, to)) return false;
    this.#recordRemoved(from, slot);
    this.#recordAdded(to, slot);
    return true;
  }

  /** Events per second from the next interval on. */
  setRate(eventsPerSecond: number): void {
    this.#pump.rate = eventsPerSecond;
  }

  /**
   * From the next request on, connections that are open included. What stalls already stays
   * stalled.
   */
  misbehave(change: Partial<Misbehaviour>): void {
    Object.assign(this.#misbehaviour, change);
  }

  /** Called by `startSimulator`. */
  async listen(): Promise<void> {
    this.#mirrorPort = await this.#mirror.listen(this.#options.mirrorPort ?? 0, this.#host);
    this.#restPort = await this.#rest.listen(this.#options.restPort ?? 0, this.#host);
  }

  /** Ends both services with all connections. Idempotent. */
  async close(): Promise<void> {
    this.#pump.stop();
    clearInterval(this.#churnTimer);
    await Promise.all([this.#mirror.close(), this.#rest.close()]);
  }

  #defineFirst(): void {
    // First, so that it has slot 0 and the search for it is short.
    if (this.#checksum !== undefined) this.#board.define(CHECKSUM_SPECTRUM);
    for (const definition of this.#options.spectra ?? defaultSpectra()) this.#board.define(definition);
    const fillers = Math.min(FILLERS_MAX, this.#options.fillers ?? 0);
    if (fillers === 0) return;
    // Up to 8 bytes of each go to alignment.
    const free = this.#board.channelBytes - this.#board.usedBytes() - FREE_BYTES - fillers * 8;
    for (const definition of fillerSpectra(fillers, free)) this.#board.define(definition);
  }

  /** The memory for one reply, its checksum up to date. */
  #snapshot(): Snapshot {
    const usedBytes = this.#board.usedBytes();
    const { changes, bindingChanges } = this.#board;
    if (this.#checksum !== undefined && this.#checkedChanges !== changes) {
      this.#checkedChanges = changes;
      this.#checksum.write(this.#memory.forChange(), usedBytes, bindingChanges);
    }
    return { loan: this.#memory.lend(), usedBytes, bindingChanges };
  }

  #variables(): Record<string, string> {
    return {
      RunNumber: '1',
      RunState: this.#pump.rate > 0 ? 'Active' : 'Halted',
      RunTitle: 'Simulated run, no beam',
      BuffersAnalyzed: String(Math.floor(this.#events / 1000)),
      OnlineState: 'Online',
      HTTPDPort: String(this.#restPort),
      MirrorPort: String(this.#mirrorPort),
      SimulatorLostThreads: String(this.#threads.lost),
      SimulatorAborts: String(this.#threads.aborts),
    };
  }

  #churn(): void {
    const round = this.#churnRound++;
    if (round % 2 === 1) {
      this.undefine(churnSpectrum(round - 1).name);
      return;
    }
    try {
      this.define(churnSpectrum(round));
    } catch (error) {
      // A full storage has no room for one more; nothing comes and nothing goes this time.
      if (!(error instanceof MirrorflowError)) throw error;
    }
  }

  #slotOf(name: string): number {
    return this.#board.spectra.find(({ definition }) => definition.name === name)?.slot ?? -1;
  }

  #recordAdded(name: string, slot: number): void {
    this.#traces.record('spectrum', `add ${name}`);
    this.#traces.record('binding', `add ${name} ${slot}`);
  }

  #recordRemoved(name: string, slot: number): void {
    this.#traces.record('binding', `remove ${name} ${slot}`);
    this.#traces.record('spectrum', `delete ${name}`);
  }
}
