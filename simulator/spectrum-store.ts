/**
 * The spectra of a SpecTcl simulator and the display memory that holds them: defines, renames,
 * removes and clears spectra, and counts events and statistics. The only writer of the memory,
 * except for the checksum spectrum. Used by simulator.ts and rest-service.ts. Pure.
 */
import { MirrorflowError } from '../protocol/base/errors.js';
import {
  type Channels,
  DISPLAY_HEADER_BYTES,
  DISPLAY_SLOTS,
  SPECTRUM_TYPES,
  type SpectrumTypeCode,
  channelsOf,
  readBinding,
  usedBytes,
} from '../protocol/spectcl/display-memory.js';
import { clearBinding, writeBinding, writeStatistics } from '../protocol/spectcl/display-writer.js';
import type { CopyOnWriteMemory } from './copy-on-write-memory.js';
import { acceptanceOf, type Accepts, type EventSource } from './event-gating.js';
import type { Gates } from './gates.js';
import type { CountsAt } from './integration.js';
import { ChannelTable, randomBits, type RandomBits } from './random.js';
import { withOverflowChannels } from './shapes.js';
import { type Flavour, type SpectrumDefinition, storedType } from './spectrum-definition.js';
import { countOutside, outsideChannels } from './outside-channels.js';
import { type Extent, StorageMap } from './storage-map.js';

/** Seed of the random numbers for parameters that a gated spectrum does not have. */
const GATE_SEED = 1;
/** Counts per event. */
const DEFAULT_SHARE = 0.5;

export interface DefinedSpectrum {
  readonly definition: SpectrumDefinition;
  readonly id: number;
  readonly slot: number;
  readonly type: SpectrumTypeCode;
  /** Events above the range of the x and the y axis. */
  readonly overflows: [number, number];
  /** Events below it. */
  readonly underflows: [number, number];
}

interface Entry extends DefinedSpectrum {
  readonly extent: Extent;
  /** Number of its stored channels. */
  readonly channels: number;
  /** The distribution of its events; undefined for a spectrum without events. */
  readonly table: ChannelTable | undefined;
  /** OUTSIDE bits of each channel; undefined when no channel lies outside. */
  readonly outside: Uint8Array | undefined;
  /** A view of its channels, and the memory to which the view belongs. */
  view: { readonly memory: Uint8Array; readonly channels: Channels } | undefined;
  /** Which counts its gate lets through, and the state of gates and spectra that it is for. */
  gating: { readonly version: string; readonly accepts: Accepts } | undefined;
}

/** A spectrum with its counts, which are valid until the next change. */
export interface SpectrumCounts {
  readonly definition: SpectrumDefinition;
  readonly countsAt: CountsAt;
}

export class SpectrumStore {
  readonly channelBytes: number;
  readonly #memory: CopyOnWriteMemory;
  readonly #flavour: Flavour;
  readonly #gates: Gates;
  /** Apart, so that gates do not change the events of other spectra. */
  readonly #gateRandom = randomBits(GATE_SEED);
  readonly #storage: StorageMap;
  readonly #entries = new Map<string, Entry>();
  readonly #isSlotUsed: boolean[] = Array.from({ length: DISPLAY_SLOTS }, () => false);
  /** Tables by weights, with and without outside channels: all fillers share one. */
  readonly #tables = new Map<Float64Array, { framed?: ChannelTable; bare?: ChannelTable }>();
  #nextId = 1;
  #changes = 0;
  #bindingChanges = 0;

  constructor(memory: CopyOnWriteMemory, flavour: Flavour, gates: Gates) {
    this.#memory = memory;
    this.#gates = gates;
    this.#flavour = flavour;
    this.channelBytes = memory.current.byteLength - DISPLAY_HEADER_BYTES;
    this.#storage = new StorageMap(this.channelBytes);
  }

  /** Grows with every change of the memory. */
  get changes(): number {
    return this.#changes;
  }

  /** Grows with every spectrum that is defined, removed or renamed. */
  get bindingChanges(): number {
    return this.#bindingChanges;
  }

  /** In the order of definition. */
  get spectra(): readonly DefinedSpectrum[] {
    return [...this.#entries.values()];
  }

  usedBytes(): number {
    return usedBytes(this.#memory.current, this.channelBytes);
  }

  /**
   * Throws BAD_NAME when the name is in use, TOO_LARGE or LIMIT_REACHED when the spectrum does not
   * fit.
   */
  define(definition: SpectrumDefinition): DefinedSpectrum {
    if (definition.name === '' || this.#entries.has(definition.name)) {
      throw new MirrorflowError(
        'BAD_NAME',
        `The name ${JSON.stringify(definition.name)} of a spectrum is empty or in use`,
      );
    }
    const type = storedType(definition.type, this.#flavour);
    const framed = this.#flavour === 'spectcl' && definition.bare !== true;
    const { dimensions, bytesPerChannel } = SPECTRUM_TYPES[type];
    const [x, y] = definition.axes;
    if (x === undefined || definition.axes.length !== dimensions) {
      throw new MirrorflowError('BAD_OPTION', `A spectrum of type ${type} has ${dimensions} axes`);
    }
    const xchans = x.bins + (framed ? 2 : 0);
    const ychans = y === undefined ? 1 : y.bins + (framed ? 2 : 0);
    const slot = this.#isSlotUsed.indexOf(false);
    if (slot < 0)
      throw new MirrorflowError(
        'LIMIT_REACHED',
        `All ${DISPLAY_SLOTS} slots of the display memory are in use: remove a spectrum`,
      );
    const bytes = xchans * ychans * bytesPerChannel;
    const extent = this.#storage.allocate(bytes);
    if (extent === undefined) {
      throw new MirrorflowError(
        'TOO_LARGE',
        `Spectrum ${JSON.stringify(definition.name)} needs ${bytes} bytes of channels; the storage of ${this.channelBytes} bytes has no such gap`,
      );
    }
    this.#isSlotUsed[slot] = true;
    const memory = this.#change(true);
    memory.fill(0, DISPLAY_HEADER_BYTES + extent.offset, DISPLAY_HEADER_BYTES + extent.offset + bytes);
    const entry: Entry = {
      definition,
      id: this.#nextId++,
      slot,
      type,
      overflows: [0, 0],
      underflows: [0, 0],
      extent,
      channels: xchans * ychans,
      table: this.#tableOf(definition, framed),
      outside: framed ? outsideChannels(xchans, ychans) : undefined,
      view: undefined,
      gating: undefined,
    };
    this.#entries.set(definition.name, entry);
    this.#writeBinding(memory, entry, xchans, y === undefined ? 0 : ychans);
    return entry;
  }

  /** False when there is no spectrum of this name. */
  undefine(name: string): boolean {
    const entry = this.#entries.get(name);
    if (entry === undefined) return false;
    this.#entries.delete(name);
    this.#isSlotUsed[entry.slot] = false;
    this.#storage.free(entry.extent);
    clearBinding(this.#change(true), entry.slot);
    return true;
  }

  /** Keeps counts, slot and storage. False when there is no spectrum `from`, or `to` is in use. */
  rename(from: string, to: string): boolean {
    const entry = this.#entries.get(from);
    if (entry === undefined || to === '' || this.#entries.has(to)) return false;
    const memory = this.#change(true);
    const binding = readBinding(memory, entry.slot);
    const renamed = { ...entry, definition: { ...entry.definition, name: to } };
    this.#entries.delete(from);
    this.#entries.set(to, renamed);
    this.#writeBinding(memory, renamed, binding?.xchans ?? 0, binding?.ychans ?? 0);
    this.#writeStatistics(memory, renamed);
    return true;
  }

  zero(name: string): boolean {
    const entry = this.#entries.get(name);
    if (entry === undefined) return false;
    const memory = this.#change(false);
    this.#channels(memory, entry).fill(0);
    entry.overflows.fill(0);
    entry.underflows.fill(0);
    this.#writeStatistics(memory, entry);
    return true;
  }

  /** Counts `events` events in every spectrum with a distribution. */
  count(events: number, random: RandomBits): void {
    const memory = this.#change(false);
    for (const entry of this.#entries.values()) {
      if (entry.table === undefined) continue;
      const share = events * (entry.definition.share ?? DEFAULT_SHARE);
      // Rounded up or down at random, so that shares below one count are right on average.
      const counts = Math.floor(share + random() / 2 ** 32);
      if (counts === 0) continue;
      const accepts = this.#accepts(entry);
      fill(this.#channels(memory, entry), entry, entry.table, counts, random, accepts);
      this.#writeStatistics(memory, entry);
    }
  }

  /** Applies a gate to a spectrum, or removes its gate. False when there is no such spectrum. */
  setGate(name: string, gate: string | undefined): boolean {
    const entry = this.#entries.get(name);
    if (entry === undefined) return false;
    const { gate: _before, ...definition } = entry.definition;
    const applied = gate === undefined ? definition : { ...definition, gate };
    this.#entries.set(name, { ...entry, definition: applied, gating: undefined });
    return true;
  }

  /** Undefined when there is no such spectrum. */
  counts(name: string): SpectrumCounts | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    const channels = this.#channels(this.#memory.current, entry);
    const { xchans, before } = eventSource(entry);
    const rows = entry.definition.axes.length === 1 ? 0 : before;
    return {
      definition: entry.definition,
      countsAt: (x, y) => channels[(y + rows) * xchans + x + before] ?? 0,
    };
  }

  /** Sets the bins of a spectrum of one dimension. */
  setCounts(name: string, counts: readonly number[]): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#channels(this.#change(false), entry).set(counts, eventSource(entry).before);
  }

  /** Lets `change` write channels directly; it must not change bindings or statistics. */
  touch(change: (memory: Uint8Array) => void): void {
    change(this.#change(false));
  }

  /** Counts a change and returns the memory for it. */
  #change(ofBindings: boolean): Uint8Array {
    this.#changes++;
    if (ofBindings) this.#bindingChanges++;
    return this.#memory.makeWritable();
  }

  #channels(memory: Uint8Array, entry: Entry): Channels {
    if (entry.view?.memory !== memory) {
      const binding = readBinding(memory, entry.slot);
      if (binding === undefined)
        throw new Error(`slot ${entry.slot} of a defined spectrum is free in the display memory`);
      entry.view = { memory, channels: channelsOf(memory, binding) };
    }
    return entry.view.channels;
  }

  /** Undefined for a spectrum without a gate, or with one that was never defined. */
  #accepts(entry: Entry): Accepts | undefined {
    const { gate } = entry.definition;
    const gates = this.#gates;
    if (gate === undefined || gates.get(gate) === undefined) return undefined;
    const version = `${gates.revision} ${this.#bindingChanges}`;
    if (entry.gating?.version !== version) {
      const others = [...this.#entries.values()].map(eventSource);
      const accepts = acceptanceOf(gate, eventSource(entry), others, gates, this.#gateRandom);
      entry.gating = { version, accepts };
    }
    return entry.gating.accepts;
  }

  #tableOf(definition: SpectrumDefinition, framed: boolean): ChannelTable | undefined {
    const { weights, axes } = definition;
    if (weights === undefined) return undefined;
    const tables = this.#tables.get(weights) ?? {};
    this.#tables.set(weights, tables);
    if (!framed) return (tables.bare ??= new ChannelTable(weights));
    return (tables.framed ??= new ChannelTable(
      withOverflowChannels(weights, axes[0]?.bins ?? 1, axes[1]?.bins ?? 1),
    ));
  }

  #writeBinding(memory: Uint8Array, entry: Entry, xchans: number, ychans: number): void {
    const { name, axes } = entry.definition;
    const [x, y] = axes;
    writeBinding(memory, entry.slot, {
      name,
      info: name,
      type: entry.type,
      xchans,
      ychans,
      channelOffset: entry.extent.offset / SPECTRUM_TYPES[entry.type].bytesPerChannel,
      xmin: x?.low ?? 0,
      xmax: x?.high ?? 0,
      ymin: y?.low ?? 0,
      ymax: y?.high ?? 0,
      xlabel: x === undefined ? '' : `${x.parameter} [${x.unit}]`,
      ylabel: y === undefined ? '' : `${y.parameter} [${y.unit}]`,
    });
  }

  #writeStatistics(memory: Uint8Array, entry: Entry): void {
    // Rustogramer does not store statistics in its memory.
    if (this.#flavour === 'rustogramer' || entry.outside === undefined) return;
    writeStatistics(memory, entry.slot, entry.overflows, entry.underflows);
  }
}

/** What a spectrum's events have; without outside channels the first channel is the first bin. */
function eventSource({ definition, outside, table, channels }: Entry): EventSource {
  const before = outside === undefined ? 0 : 1;
  const xchans = (definition.axes[0]?.bins ?? 1) + 2 * before;
  return { axes: definition.axes, xchans, before, channels, table };
}

/** Draws `counts` counts into the channels of a spectrum. */
function fill(
  channels: Channels,
  entry: Entry,
  table: ChannelTable,
  counts: number,
  random: RandomBits,
  accepts: Accepts | undefined,
): void {
  const { outside } = entry;
  for (let count = 0; count < counts; count++) {
    const channel = table.draw(random);
    if (accepts?.(channel) === false) continue;
    channels[channel]!++;
    const bits = outside?.[channel] ?? 0;
    if (bits !== 0) countOutside(entry, bits);
  }
}
