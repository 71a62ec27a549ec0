/**
 * The spectra of one application that pages look at: their counts as of the newest publication,
 * copied only when they have changed. One comparison for each publication, whatever the number of
 * pages.
 */
import type { Binding } from '../../client-lib/index.js';
import { bindings, channelsOf, readBinding } from '../../protocol/spectcl/display-memory.js';
import type { Values } from '../wire/frame.js';
import { SpectrumHistory } from './spectrum-history.js';

export interface CachedSpectrum {
  readonly name: string;
  /** Undefined while there is no such spectrum. */
  readonly binding: Binding | undefined;
  readonly counts: Values;
  /** Grows with every change. */
  readonly version: number;
  readonly history: SpectrumHistory;
  /** Frames that were made of this version, by what was asked. */
  readonly frames: Map<string, { readonly version: string; readonly body: Uint8Array }>;
}

interface Entry extends CachedSpectrum {
  binding: Binding | undefined;
  layout: string;
  counts: Values;
  version: number;
  wanted: number;
  unwantedSinceMs: number;
  versionInHistory: number;
  /** The buffer that the next change is copied into. */
  spare: Values | undefined;
}

/** What one publication brings for one spectrum. */
export interface SpectrumChange {
  readonly name: string;
  readonly binding: Binding | undefined;
  readonly layout: string;
  readonly counts: Values | undefined;
}

const NOTHING: Values = new Uint8Array(0);
/** A spectrum nobody looks at any more is kept for its history this long. */
const UNWANTED_KEPT_MS = 60_000;
const HISTORY_BYTES_MAX = 256 * 2 ** 20;

export class SpectrumCache {
  readonly #entries = new Map<string, Entry>();
  readonly #slots = new Map<string, number>();

  /** Somebody looks at a spectrum, from now until `release`. */
  acquire(name: string): CachedSpectrum {
    const known = this.#entries.get(name);
    const entry = known ?? newEntry(name);
    entry.wanted += 1;
    if (known === undefined) this.#entries.set(name, entry);
    return entry;
  }

  release(name: string, nowMs: number): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    entry.wanted -= 1;
    entry.unwantedSinceMs = nowMs;
  }

  /** Whether there is a spectrum that was never looked up. */
  get hasUnreadSpectrum(): boolean {
    return [...this.#entries.values()].some(({ wanted, version }) => wanted > 0 && version === 0);
  }

  /**
   * What differs from what is held, in one whole publication. Has no effect that a second run over
   * another publication would notice: what it returns is taken over by `commit`.
   */
  compare(memory: Uint8Array): SpectrumChange[] {
    const changes: SpectrumChange[] = [];
    for (const entry of this.#entries.values()) {
      const binding = this.#find(memory, entry.name);
      const layout = binding === undefined ? '' : layoutOf(binding);
      if (binding === undefined) {
        if (entry.binding !== undefined || entry.version === 0)
          changes.push({ name: entry.name, binding, layout, counts: NOTHING });
        continue;
      }
      const found = channelsOf(memory, binding);
      if (layout === entry.layout && sameBytes(found, entry.counts)) continue;
      changes.push({ name: entry.name, binding, layout, counts: copyInto(entry, found) });
    }
    return changes;
  }

  /** True when something changed. */
  commit(changes: readonly SpectrumChange[]): boolean {
    for (const { name, binding, layout, counts } of changes) {
      const entry = this.#entries.get(name);
      if (entry === undefined) continue;
      if (layout !== entry.layout) entry.history.clear();
      entry.binding = binding;
      entry.layout = layout;
      entry.version += 1;
      if (counts === undefined) continue;
      entry.spare = entry.counts.length === counts.length ? entry.counts : undefined;
      entry.counts = counts;
    }
    return changes.length > 0;
  }

  /**
   * Once a second: remembers what there is, and forgets what nobody looked at for a while. True
   * when something was remembered.
   */
  recordHistory(nowMs: number): boolean {
    let bytes = 0;
    let remembered = false;
    for (const [name, entry] of this.#entries) {
      if (entry.wanted === 0 && nowMs - entry.unwantedSinceMs > UNWANTED_KEPT_MS) {
        this.#entries.delete(name);
        continue;
      }
      bytes += entry.history.bytes;
      if (entry.binding === undefined || !entry.history.isDue(nowMs) || bytes > HISTORY_BYTES_MAX) continue;
      entry.history.record(nowMs, entry.version !== entry.versionInHistory, () => entry.counts.slice());
      entry.versionInHistory = entry.version;
      remembered = true;
    }
    return remembered;
  }

  #find(memory: Uint8Array, name: string): Binding | undefined {
    const slot = this.#slots.get(name);
    if (slot !== undefined) {
      const binding = readBinding(memory, slot);
      if (binding?.name === name) return whole(memory, binding);
    }
    this.#slots.clear();
    let found: Binding | undefined;
    for (const binding of bindings(memory)) {
      this.#slots.set(binding.name, binding.slot);
      if (binding.name === name) found = binding;
    }
    return found === undefined ? undefined : whole(memory, found);
  }
}

function newEntry(name: string): Entry {
  return {
    name,
    binding: undefined,
    layout: '',
    counts: NOTHING,
    version: 0,
    wanted: 0,
    unwantedSinceMs: 0,
    versionInHistory: -1,
    spare: undefined,
    history: new SpectrumHistory(),
    frames: new Map(),
  };
}

function whole(memory: Uint8Array, binding: Binding): Binding | undefined {
  return binding.byteOffset + binding.byteLength <= memory.byteLength ? binding : undefined;
}

/** All that makes two states of a name different spectra, or different pictures of it. */
function layoutOf({ type, xchans, ychans, xmin, xmax, ymin, ymax, xlabel, ylabel }: Binding): string {
  return JSON.stringify([type.name, xchans, ychans, xmin, xmax, ymin, ymax, xlabel, ylabel]);
}

function bytesOf(values: Values): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function sameBytes(one: Values, other: Values): boolean {
  if (one.byteLength !== other.byteLength || kindOf(one) !== kindOf(other)) return false;
  return Buffer.compare(bytesOf(one), bytesOf(other)) === 0;
}

/** The spare buffer belongs to nobody until `commit`, so that a second run may write it again. */
function copyInto(entry: Entry, found: Values): Values {
  const { spare } = entry;
  if (spare === undefined || spare.length !== found.length || kindOf(spare) !== kindOf(found)) {
    const copy = found.slice();
    // Buffer.slice is a view; counts must outlive the memory they came from.
    return copy.buffer === found.buffer ? Uint8Array.from(found) : copy;
  }
  bytesOf(spare).set(bytesOf(found));
  return spare;
}

function kindOf(values: Values): number {
  return values.BYTES_PER_ELEMENT;
}
