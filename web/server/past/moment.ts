/**
 * The spectra of one application as they were recorded at one moment: the source of the frames of
 * all views that show it. `Past` creates it and keeps it while views use it. Pure.
 */
import type { SpecTclSpectrum } from '../../../protocol/spectcl/rest-shapes.js';
import { bindings } from '../../../protocol/spectcl/display-memory.js';
import type { ShownMoment } from '../../wire/recording.js';
import type { CountsSource } from '../counts-source.js';
import { gateShape, type GateShape } from '../../../protocol/spectcl/gate-shape.js';
import type { PublicationInfo } from '../publication-reader.js';
import { SpectrumCache, type CachedSpectrum } from '../spectrum-cache.js';
import { spectrumInfo } from '../spectrum-info.js';
import type { ReadMoment } from './past-messages.js';

export class Moment implements CountsSource {
  readonly app: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly cache = new SpectrumCache();
  #read: ReadMoment | undefined;
  #problem: string | undefined;
  #spectra: ReadonlyMap<string, SpecTclSpectrum> = new Map();
  #gates: readonly GateShape[] = [];

  constructor(app: string, atMs: number) {
    this.app = app;
    this.atMs = atMs;
  }

  /** Size of the display memory; 0 before it was read. */
  get bytes(): number {
    return this.#read?.memory.byteLength ?? 0;
  }

  get isSettled(): boolean {
    return this.#read !== undefined || this.#problem !== undefined;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  get publication(): PublicationInfo {
    return { atMs: this.#read?.dataMs ?? 0, sequence: this.#read?.sequence ?? 0 };
  }

  get metadata(): CountsSource['metadata'] {
    return { revision: 0, spectrum: (name) => this.#spectra.get(name) };
  }

  get gates(): readonly GateShape[] {
    return this.#gates;
  }

  /** The display memory; undefined before it was read. */
  get memory(): Buffer | undefined {
    const memory = this.#read?.memory;
    return memory === undefined
      ? undefined
      : Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength);
  }

  /** What a page shows of the moment beside counts; undefined before it was read. */
  get shown(): ShownMoment | undefined {
    const { memory } = this;
    if (this.#read === undefined || memory === undefined) return undefined;
    return {
      dataMs: this.#read.dataMs,
      gates: this.#gates,
      spectra: bindings(memory).map((binding) => spectrumInfo(binding, this.#spectra.get(binding.name))),
    };
  }

  acquire(name: string): CachedSpectrum {
    const spectrum = this.cache.acquire(name);
    this.#fill();
    return spectrum;
  }

  settle(read: ReadMoment): void {
    this.#read = read;
    this.#spectra = new Map(read.spectra.map((spectrum) => [spectrum.name, spectrum]));
    this.#gates = read.gates.map(gateShape).filter((gate) => gate !== undefined);
    this.#fill();
  }

  fail(problem: string): void {
    this.#problem = problem;
  }

  /** Copies the counts of the spectra that views have acquired. */
  #fill(): void {
    const { memory } = this;
    if (memory !== undefined && this.cache.hasUnreadSpectrum) this.cache.commit(this.cache.compare(memory));
  }
}
