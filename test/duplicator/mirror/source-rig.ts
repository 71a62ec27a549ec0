/**
 * A SpecTclSource that mirrors a real simulator through a WatchingProxy. Every publication is
 * checked when it happens: the checksums of its slot hold, and the image equals the slot. Used by
 * the tests of mirror/. Opens sockets, creates files below a temporary directory.
 */
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulator/simulator.js';
import { verifyChecksum } from '../../../simulator/checksum.js';
import { SpecTclSource, type SpecTclSourceOptions } from '../../../duplicator/mirror/spectcl-source.js';
import { MirrorPublisher } from '../../../duplicator/mirror/mirror-publisher.js';
import type { MirrorTarget } from '../../../duplicator/mirror/mirror-session.js';
import { parseAddress } from '../../../protocol/base/address.js';
import type { MirrorflowError } from '../../../protocol/base/errors.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { ImageWriter, createImage, imageState } from '../../../protocol/flow/flow-file/image.js';
import { RingReader } from '../../../protocol/flow/flow-file/ring-reader.js';
import { DISPLAY_HEADER_BYTES, bindings } from '../../../protocol/spectcl/display-memory.js';
import { Place } from '../../protocol/flow/flow-file/place.js';
import { LimitClock } from './limit-clock.js';
import { WatchingProxy } from './watching-proxy.js';
import { eventually } from '../../kit/eventually.js';
import { silent } from '../../kit/silent-log.js';

export interface RigOptions {
  readonly simulator?: SimulatorOptions;
  readonly source?: Partial<SpecTclSourceOptions>;
  readonly slots?: number;
}

export const SMALL_SPECTRA = ['one', 'two', 'three'].map((name) => ({
  name,
  type: 4 as const,
  axes: [{ parameter: name, low: 0, high: 1000, bins: 1000, unit: 'keV' }],
  weights: Float64Array.from({ length: 1000 }, () => 1),
}));

/** A spectrum that the simulator does not have at its start. */
export const NEW_SPECTRUM = { ...SMALL_SPECTRA[0]!, name: 'new' };

/** The statistics of all spectra in the header of a display memory, as text. */
export function statisticsOf(memory: Uint8Array): string {
  return JSON.stringify(bindings(memory).map(({ overflows, underflows }) => [overflows, underflows]));
}

/** Rigs for the tests of one file: each is closed after its test. */
export function useSourceRigs() {
  const rigs: SourceRig[] = [];
  afterEach(async () => {
    for (const rig of rigs.splice(0)) await rig.close();
  });
  async function make(options: RigOptions = {}): Promise<SourceRig> {
    const rig = await SourceRig.make(options);
    rigs.push(rig);
    return rig;
  }
  return {
    make,
    /** As `make`, with a source that has started. */
    async started(options: RigOptions = {}): Promise<SourceRig> {
      const rig = await make(options);
      await rig.source.start();
      return rig;
    },
  };
}

export class SourceRig {
  /** Time limits of the source end only when the test expires them. */
  readonly clock = new LimitClock();
  readonly place = new Place();
  readonly states: [state: string, code: string | undefined][] = [];
  /** Channel bytes of each event `outgrown` of the source. */
  readonly outgrown: number[] = [];
  /** What was wrong with any publication. */
  readonly problems: string[] = [];
  /** Update counts of the publications, from their checksum spectra. */
  readonly updates: number[] = [];
  /** The names of the spectra of the newest publication. */
  names: string[] = [];
  /** No slot may be written until `releaseCredit`. */
  isCreditHeld = false;
  simulator!: Simulator;
  proxy!: WatchingProxy;
  source!: SpecTclSource;
  file!: FlowFile;
  image!: Buffer;
  publisher!: MirrorPublisher;
  #waitingForCredit: (() => void)[] = [];
  #closing: Promise<void> | undefined;

  static async make(options: RigOptions = {}): Promise<SourceRig> {
    const rig = new SourceRig();
    rig.simulator = await startSimulator({
      channelBytes: 256 * 1024,
      spectra: SMALL_SPECTRA,
      rate: 0,
      noDelay: true,
      ...options.simulator,
    });
    rig.proxy = new WatchingProxy(rig.simulator.mirrorPort);
    const mirrorPort = await rig.proxy.listen();
    rig.source = new SpecTclSource(
      {
        address: parseAddress(`spectcl://127.0.0.1?rest=${rig.simulator.restPort}&mirror=${mirrorPort}`, {
          schemes: ['spectcl'],
        }),
        intervalMs: 10,
        idleIntervalMs: 20,
        fullIntervalMs: 0,
        sourceShare: 0,
        times: { answerMs: 60_000, silenceMs: 60_000 },
        clock: rig.clock,
        log: silent,
        ...options.source,
      },
      {
        make: async (channelBytes) => rig.#target(channelBytes, options.slots ?? 4),
        continue: () => Promise.resolve(undefined),
      },
    );
    rig.source.on('state', (state, cause: MirrorflowError | undefined) =>
      rig.states.push([state, cause?.code]),
    );
    rig.source.on('outgrown', (channelBytes) => rig.outgrown.push(channelBytes));
    rig.source.on('published', (sequence) => rig.#check(sequence));
    return rig;
  }

  get published(): number {
    return this.publisher.published;
  }

  /** Adds events to the spectra until `count` more updates are published. */
  async publishMore(count = 1): Promise<void> {
    const target = this.published + count;
    await eventually(
      () => {
        this.simulator.step(10);
        return this.published >= target;
      },
      `publication ${target}; states ${JSON.stringify(this.states)}`,
    );
  }

  releaseCredit(): void {
    this.isCreditHeld = false;
    for (const resolve of this.#waitingForCredit.splice(0)) resolve();
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const stopped = this.source.stop();
    this.releaseCredit();
    await stopped;
    await this.proxy.close();
    await this.simulator.close();
    this.place.remove();
  }

  /** The flow file and image that the source fills. */
  #target(channelBytes: number, slotCount: number): MirrorTarget {
    const payloadCapacity = DISPLAY_HEADER_BYTES + channelBytes;
    this.file = this.place.create({ slotCount, payloadCapacity });
    this.image = createImage(this.place.file('image'), payloadCapacity, { mode: 0o600 });
    this.publisher = new MirrorPublisher(this.file, new ImageWriter(this.file, this.image));
    return {
      publisher: this.publisher,
      channelCapacity: channelBytes,
      pipelined: slotCount >= 3,
      hasCredit: () => !this.isCreditHeld,
      credit: async () => {
        if (this.isCreditHeld) await new Promise<void>((resolve) => this.#waitingForCredit.push(resolve));
      },
    };
  }

  /** Checks a publication and the image when they are published. */
  #check(sequence: number): void {
    const reader = new RingReader(this.file, sequence);
    if (reader.peek() !== 'ready') {
      this.problems.push(`publication ${sequence} cannot be read`);
      return;
    }
    const memory = reader.area();
    const { ok, bindingsOk, updateCount } = verifyChecksum(memory);
    if (!ok) this.problems.push(`publication ${sequence} is not one whole update`);
    if (!bindingsOk) this.problems.push(`publication ${sequence} has the header of another update`);
    if (!memory.subarray(0, reader.size).equals(this.image.subarray(0, reader.size)))
      this.problems.push(`the image is not publication ${sequence}`);
    if (this.image.subarray(reader.size).some((byte) => byte !== 0))
      this.problems.push(`the image holds more than publication ${sequence}`);
    const state = imageState(this.file);
    if (state.sequence !== sequence || state.generation % 2 !== 0)
      this.problems.push(`the image is in state ${JSON.stringify(state)} after publication ${sequence}`);
    this.updates.push(updateCount);
    this.names = bindings(memory).map(({ name }) => name);
  }
}
