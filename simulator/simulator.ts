/**
 * A simulated SpecTcl in this process: spectra that fill with random events, a mirror and a REST
 * service, and faults on request. Used by main.ts, tests and benchmarks. Listens on two TCP ports
 * and runs timers until `close`.
 */
import { MirrorflowError, describeError, systemCode } from '../protocol/base/errors.js';
import { DISPLAY_HEADER_BYTES } from '../protocol/spectcl/display-memory.js';
import { CHECKSUM_SPECTRUM, ChecksumWriter, checksumOffset } from './checksum.js';
import { churnSpectrum, defaultSpectra, fillerSpectra } from './default-spectra.js';
import { EventPump } from './event-pump.js';
import { Gates } from './gates.js';
import { CopyOnWriteMemory } from './copy-on-write-memory.js';
import { MirrorDirectory } from './mirror-directory.js';
import { type MirrorCounters, MirrorService, type Snapshot } from './mirror-service.js';
import { GOOD_BEHAVIOUR, type Misbehaviour } from './misbehaviour.js';
import { type RandomBits, randomBits } from './random.js';
import { RestService } from './rest-service.js';
import { Runs } from './runs.js';
import { ServerThreads } from './server-threads.js';
import { sparseStep } from './sparse-step.js';
import { SpectrumStore } from './spectrum-store.js';
import type { Flavour, SpectrumDefinition } from './spectrum-definition.js';
import { TraceLog } from './trace-log.js';

export interface SimulatorOptions {
  readonly flavour?: Flavour;
  /** Address on which both services listen. Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly restPort?: number;
  readonly mirrorPort?: number;
  /** Size of the channel storage. Default 8 MiB. */
  readonly channelBytes?: number;
  /** Replaces the default spectra. */
  readonly spectra?: readonly SpectrumDefinition[];
  /** Number of filler spectra, up to 9,999, which share the remaining storage. Default 0. */
  readonly fillers?: number;
  /** Events per second. Default 100,000; with 0 only `step` counts events. */
  readonly rate?: number;
  /** Time between two steps of events. Default 100. */
  readonly intervalMs?: number;
  /** Percentage of the 4 KiB blocks that a step changes. Default: whatever the events change. */
  readonly sparsePercent?: number;
  /** Interval in seconds at which a spectrum is defined or removed. Default: never. */
  readonly bindingChurnS?: number;
  /** Whether to maintain the spectrum `checksum`. Default true. */
  readonly checksum?: boolean;
  /** Seed of the random numbers; the same seed gives the same events. Default 1. */
  readonly seed?: number;
  /** Whether to set TCP_NODELAY on mirror connections. Default false, like SpecTcl. */
  readonly noDelay?: boolean;
  /** Whether a reply may mix two updates, as SpecTcl's replies do. Default false. */
  readonly tear?: boolean;
  readonly misbehaviour?: Partial<Misbehaviour>;
  /** Time in which another connection can cost a thread, see ServerThreads. Default 10. */
  readonly descriptorReplacementMs?: number;
}

export interface SimulatorCounters extends MirrorCounters {
  restRequests: number;
}

const DEFAULT_CHANNEL_BYTES = 8 * 1024 * 1024;
const DEFAULT_RATE = 100_000;
const DEFAULT_INTERVAL_MS = 100;
/** One slot is left for the checksum. */
const FILLERS_MAX = 9_999;
/** Storage that fillers leave free for spectra defined later. */
const FREE_BYTES = 64 * 1024;

/**
 * Starts a simulator, which the caller closes. Throws ADDRESS_IN_USE or SYSTEM_ERROR when it cannot
 * listen on a port, TOO_LARGE when the spectra do not fit.
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

/** Created by `startSimulator`. */
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
  readonly #memory: CopyOnWriteMemory;
  readonly #gates = new Gates();
  readonly #runs: Runs;
  readonly #spectra: SpectrumStore;
  readonly #traces = new TraceLog(() => performance.now());
  readonly #misbehaviour: Misbehaviour;
  readonly #threads: ServerThreads;
  readonly #checksum: ChecksumWriter | undefined;
  readonly #mirror: MirrorService;
  readonly #rest: RestService;
  readonly #pump: EventPump;
  #churnTimer: NodeJS.Timeout | undefined;
  #churnRound = 0;
  /** `changes` of the store when the checksum was last computed. */
  #checksummedChanges = -1;
  #events = 0;
  #restPort = 0;
  #mirrorPort = 0;

  constructor(options: SimulatorOptions) {
    this.#options = options;
    this.#host = options.host ?? '127.0.0.1';
    this.#random = randomBits(options.seed ?? 1);
    const flavour = options.flavour ?? 'spectcl';
    this.#memory = new CopyOnWriteMemory(
      DISPLAY_HEADER_BYTES + (options.channelBytes ?? DEFAULT_CHANNEL_BYTES),
      {
        tear: options.tear ?? false,
        onReleased: () => this.#pump.catchUp(),
      },
    );
    this.#spectra = new SpectrumStore(this.#memory, flavour, this.#gates);
    this.#runs = new Runs((options.rate ?? DEFAULT_RATE) > 0);
    this.#misbehaviour = { ...GOOD_BEHAVIOUR, ...options.misbehaviour };
    this.#threads = new ServerThreads(
      () => this.#misbehaviour.mirror === 'hang',
      options.descriptorReplacementMs,
    );
    this.#checksum = (options.checksum ?? true) ? new ChecksumWriter() : undefined;
    this.#defineInitialSpectra();
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
      store: this.#spectra,
      gates: this.#gates,
      runs: this.#runs,
      define: (definition) => this.define(definition),
      undefine: (name) => this.undefine(name),
      traces: this.#traces,
      variables: () => this.#variables(),
    });
    this.#pump = new EventPump(options.rate ?? DEFAULT_RATE, {
      intervalMs: options.intervalMs ?? DEFAULT_INTERVAL_MS,
      isDelayed: () => this.#memory.isBorrowed,
      step: (events) => {
        if (this.#runs.isActive) this.step(events);
      },
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

  /** The simulator's address in mirrorflow's syntax. */
  get address(): string {
    const host = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    return `spectcl://${host}?rest=${this.#restPort}&mirror=${this.#mirrorPort}`;
  }

  /** The current display memory, for reading at once only: a change may replace the buffer. */
  get memory(): Uint8Array {
    return this.#memory.current;
  }

  /** Number of events so far. */
  get events(): number {
    return this.#events;
  }

  /** How often the memory was copied because it changed while a reply was being sent. */
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

  /** Counts `events` events at once. */
  step(events: number): void {
    this.#events += events;
    const { sparsePercent } = this.#options;
    if (sparsePercent === undefined) {
      this.#spectra.count(events, this.#random);
      return;
    }
    const used = this.#spectra.usedBytes();
    this.#spectra.touch((memory) => {
      const checksumAt = this.#checksum === undefined ? undefined : checksumOffset(memory);
      sparseStep(memory, used, sparsePercent, events, this.#random, checksumAt);
    });
  }

  /** Throws BAD_NAME, BAD_OPTION, TOO_LARGE or LIMIT_REACHED. */
  define(definition: SpectrumDefinition): void {
    const { slot } = this.#spectra.define(definition);
    this.#recordAdded(definition.name, slot);
  }

  /** False when there is no such spectrum. */
  undefine(name: string): boolean {
    const slot = this.#slotOf(name);
    if (!this.#spectra.undefine(name)) return false;
    this.#recordRemoved(name, slot);
    return true;
  }

  /** False when there is no spectrum `from`, or there is one named `to`. */
  rename(from: string, to: string): boolean {
    const slot = this.#slotOf(from);
    if (!this.#spectra.rename(from, to)) return false;
    this.#recordRemoved(from, slot);
    this.#recordAdded(to, slot);
    return true;
  }

  /** Takes effect with the next interval. */
  setRate(eventsPerSecond: number): void {
    this.#pump.rate = eventsPerSecond;
    if (eventsPerSecond > 0) this.#runs.start();
    else this.#runs.stop();
  }

  /** Begins the next run; only a simulator with a rate gets events by itself. */
  startRun(title?: string): void {
    this.#runs.start(title);
  }

  /** Ends the run: no events until the next one, except those of `step`. */
  stopRun(): void {
    this.#runs.stop();
  }

  /** Takes effect with the next request, also on open connections. Stalled replies stay stalled. */
  misbehave(change: Partial<Misbehaviour>): void {
    Object.assign(this.#misbehaviour, change);
  }

  /** Called by `startSimulator`. */
  async listen(): Promise<void> {
    this.#mirrorPort = await this.#mirror.listen(this.#options.mirrorPort ?? 0, this.#host);
    this.#restPort = await this.#rest.listen(this.#options.restPort ?? 0, this.#host);
  }

  /** Stops both services and closes all connections. Idempotent. */
  async close(): Promise<void> {
    this.#pump.stop();
    clearInterval(this.#churnTimer);
    await Promise.all([this.#mirror.close(), this.#rest.close()]);
  }

  #defineInitialSpectra(): void {
    // The checksum spectrum comes first: it gets slot 0, where it is found fastest.
    if (this.#checksum !== undefined) this.#spectra.define(CHECKSUM_SPECTRUM);
    for (const definition of this.#options.spectra ?? defaultSpectra()) this.#spectra.define(definition);
    const fillers = Math.min(FILLERS_MAX, this.#options.fillers ?? 0);
    if (fillers === 0) return;
    // Alignment takes up to 8 bytes of each.
    const free = this.#spectra.channelBytes - this.#spectra.usedBytes() - FREE_BYTES - fillers * 8;
    for (const definition of fillerSpectra(fillers, free)) this.#spectra.define(definition);
  }

  /** The memory for one reply, with the checksum of its present contents. */
  #snapshot(): Snapshot {
    const usedBytes = this.#spectra.usedBytes();
    const { changes, bindingChanges } = this.#spectra;
    if (this.#checksum !== undefined && this.#checksummedChanges !== changes) {
      this.#checksummedChanges = changes;
      this.#checksum.write(this.#memory.makeWritable(), usedBytes, bindingChanges);
    }
    return { borrowed: this.#memory.borrow(), usedBytes, bindingChanges };
  }

  #variables(): Record<string, string> {
    return {
      ...this.#runs.variables,
      BuffersAnalyzed: String(Math.floor(this.#events / 1000)),
      OnlineState: 'Online',
      HTTPDPort: String(this.#restPort),
      MirrorPort: String(this.#mirrorPort),
      SimulatorConnections: String(this.counters.mirrorConnections),
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
      // The storage is full: this round defines no spectrum.
      if (!(error instanceof MirrorflowError)) throw error;
    }
  }

  #slotOf(name: string): number {
    return this.#spectra.spectra.find(({ definition }) => definition.name === name)?.slot ?? -1;
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
