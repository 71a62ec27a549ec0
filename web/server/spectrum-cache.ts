/**
 * The counts of the spectra that pages of one application show, as of the newest publication (a
 * consistent copy of SpecTcl's display memory). Counts are copied only when they changed: one
 * comparison per publication and spectrum, whatever the number of pages. Pages acquire and release
 * spectra; `PublicationReader` compares and commits. Pure: no I/O, times come in as parameters.
 */
import type { Binding } from '../../client-lib/index.js';
import { ARRAY_OFFSETS, bindings, channelsOf, readBinding } from '../../protocol/spectcl/display-memory.js';
import type { Values } from '../wire/frame.js';
import type { EncodedFrame } from './encoded-frame.js';
import { SpectrumHistory } from './spectrum-history.js';

/** One spectrum of the cache; users read it, only the cache changes it. */
export interface CachedSpectrum {
  readonly name: string;
  /** Where and what the spectrum is in the display memory; undefined while it does not exist. */
  readonly binding: Binding | undefined;
  readonly counts: Values;
  /** Grows with every change; 0 before the first read. */
  readonly version: number;
  readonly history: SpectrumHistory;
  /** Encoded frames by what was requested; `frames.ts` fills and reads them. */
  readonly frames: Map<string, EncodedFrame>;
}

interface Entry extends CachedSpectrum {
  binding: Binding | undefined;
  /** Axes and type as JSON: a change makes the earlier counts incomparable. */
  layout: string;
  counts: Values;
  version: number;
  users: number;
  unusedSinceMs: number;
  versionInHistory: number;
  /** The buffer that the next change is copied into. */
  spare: Values | undefined;
}

/** What one publication changes in one spectrum. */
export interface SpectrumChange {
  readonly name: string;
  readonly binding: Binding | undefined;
  readonly layout: string;
  readonly counts: Values;
}

const NO_COUNTS: Values = new Uint8Array(0);
/** An unused spectrum stays in the cache this long, for its history. */
const UNUSED_KEPT_MS = 60_000;
/** All histories together, in bytes. */
const HISTORY_BYTES_MAX = 256 * 2 ** 20;

export class SpectrumCache {
  readonly #entries = new Map<string, Entry>();
  /** Binding slots of the display memory by spectrum name, as of the last search. */
  readonly #slots = new Map<string, number>();
  /** Names and types of all slots then, as they are in the header. */
  #indexedNames = Buffer.alloc(0);
  #indexedTypes = Buffer.alloc(0);
  #historyVersion = 0;

  /** Grows whenever a history gets another sample, at most once a second. */
  get historyVersion(): number {
    return this.#historyVersion;
  }

  /** Spectra in the cache, with those that were in use within the last minute. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether a spectrum in use has never been read. */
  get hasUnreadSpectrum(): boolean {
    return [...this.#entries.values()].some(({ users, version }) => users > 0 && version === 0);
  }

  /** Keeps a spectrum up to date for one user, until `release`. */
  acquire(name: string): CachedSpectrum {
    const existing = this.#entries.get(name);
    const entry = existing ?? newEntry(name);
    entry.users += 1;
    if (existing === undefined) this.#entries.set(name, entry);
    return entry;
  }

  release(name: string, monotonicMs: number): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    entry.users -= 1;
    entry.unusedSinceMs = monotonicMs;
    // A name without a spectrum has no history to keep.
    if (entry.users === 0 && entry.binding === undefined) this.#entries.delete(name);
  }

  /**
   * The differences between the cache and one display memory. May be repeated over another
   * publication before `commit`, which applies the result.
   */
  compare(memory: Uint8Array): SpectrumChange[] {
    const changes: SpectrumChange[] = [];
    let isIndexed = false;
    const indexOnce = (): void => {
      if (!isIndexed) this.#index(memory);
      isIndexed = true;
    };
    for (const entry of this.#entries.values()) {
      const { name } = entry;
      const binding = this.#findBinding(memory, name, indexOnce);
      if (binding === undefined) {
        const isChange = entry.binding !== undefined || entry.version === 0;
        if (isChange) changes.push({ name, binding, layout: '', counts: NO_COUNTS });
        continue;
      }
      const layout = layoutOf(binding);
      const channels = channelsOf(memory, binding);
      const sameStatistics = statisticsOf(binding) === statisticsOf(entry.binding);
      if (sameStatistics && layout === entry.layout && sameBytes(channels, entry.counts)) continue;
      changes.push({ name, binding, layout, counts: copyForEntry(entry, channels) });
    }
    return changes;
  }

  /** Applies the result of the last `compare`; returns whether anything changed. */
  commit(changes: readonly SpectrumChange[]): boolean {
    for (const { name, binding, layout, counts } of changes) {
      const entry = this.#entries.get(name);
      if (entry === undefined) continue;
      if (layout !== entry.layout) entry.history.clear();
      entry.binding = binding;
      entry.layout = layout;
      entry.version += 1;
      entry.spare = entry.counts.length === counts.length ? entry.counts : undefined;
      entry.counts = counts;
    }
    return changes.length > 0;
  }

  /**
   * Adds a sample to each history that is due, once a second, and removes spectra that have been
   * unused for a minute. `publishedMs`: time of the newest publication, milliseconds since 1970.
   * Returns whether a history grew.
   */
  recordHistory(monotonicMs: number, publishedMs: number): boolean {
    let bytes = 0;
    let grew = false;
    for (const [name, entry] of this.#entries) {
      if (entry.users === 0 && monotonicMs - entry.unusedSinceMs > UNUSED_KEPT_MS) {
        this.#entries.delete(name);
        continue;
      }
      bytes += entry.history.bytes;
      if (entry.binding === undefined || !entry.history.isDue(monotonicMs)) continue;
      if (bytes > HISTORY_BYTES_MAX) continue;
      const changed = entry.version !== entry.versionInHistory;
      entry.history.record(monotonicMs, publishedMs, changed, () => entry.counts.slice());
      entry.versionInHistory = entry.version;
      grew = true;
    }
    if (grew) this.#historyVersion += 1;
    return grew;
  }

  /** Tries the slot of the last search first: `indexOnce` reads all bindings of the publication. */
  #findBinding(memory: Uint8Array, name: string, indexOnce: () => void): Binding | undefined {
    const found = this.#bindingAt(memory, name) ?? (indexOnce(), this.#bindingAt(memory, name));
    return found === undefined ? undefined : ifWithin(memory, found);
  }

  #bindingAt(memory: Uint8Array, name: string): Binding | undefined {
    const slot = this.#slots.get(name);
    const binding = slot === undefined ? undefined : readBinding(memory, slot);
    return binding?.name === name ? binding : undefined;
  }

  /** Reads the names of all slots, unless they are the same as the last time. */
  #index(memory: Uint8Array): void {
    const names = memory.subarray(ARRAY_OFFSETS.titles, ARRAY_OFFSETS.info);
    const types = memory.subarray(ARRAY_OFFSETS.types, ARRAY_OFFSETS.maps);
    if (this.#indexedNames.equals(names) && this.#indexedTypes.equals(types)) return;
    this.#indexedNames = Buffer.from(names);
    this.#indexedTypes = Buffer.from(types);
    this.#slots.clear();
    for (const { name, slot } of bindings(memory)) this.#slots.set(name, slot);
  }
}

function newEntry(name: string): Entry {
  return {
    name,
    binding: undefined,
    layout: '',
    counts: NO_COUNTS,
    version: 0,
    users: 0,
    unusedSinceMs: 0,
    versionInHistory: -1,
    spare: undefined,
    history: new SpectrumHistory(),
    frames: new Map(),
  };
}

/** Undefined for a binding whose channels reach beyond the end of the memory. */
function ifWithin(memory: Uint8Array, binding: Binding): Binding | undefined {
  return binding.byteOffset + binding.byteLength <= memory.byteLength ? binding : undefined;
}

/** Equal layouts: the same spectrum with the same axes, so counts can be compared. */
function layoutOf({ type, xchans, ychans, xmin, xmax, ymin, ymax, xlabel, ylabel }: Binding): string {
  return JSON.stringify([type.name, xchans, ychans, xmin, xmax, ymin, ymax, xlabel, ylabel]);
}

/** Under- and overflow may change while no channel does. */
function statisticsOf(binding: Binding | undefined): string {
  return `${binding?.overflows.join()} ${binding?.underflows.join()}`;
}

function bytesOf(values: Values): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function sameBytes(one: Values, other: Values): boolean {
  if (one.byteLength !== other.byteLength || !sameElementSize(one, other)) return false;
  return Buffer.compare(bytesOf(one), bytesOf(other)) === 0;
}

/** Copies into the entry's spare buffer, which is unused until `commit`, or into a new one. */
function copyForEntry({ spare }: Entry, channels: Values): Values {
  if (spare === undefined || spare.length !== channels.length || !sameElementSize(spare, channels)) {
    const copy = channels.slice();
    // Buffer.slice returns a view of the display memory, which changes; counts must not.
    return copy.buffer === channels.buffer ? Uint8Array.from(channels) : copy;
  }
  bytesOf(spare).set(bytesOf(channels));
  return spare;
}

function sameElementSize(one: Values, other: Values): boolean {
  return one.BYTES_PER_ELEMENT === other.BYTES_PER_ELEMENT;
}
