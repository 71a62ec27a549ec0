/**
 * The list of the spectra of one application, as pages show it: the bindings in the display memory
 * (SpecTcl's shared memory of spectrum definitions and counts) joined with what the REST service
 * adds. `PublicationReader` updates it from publications. Pure: no I/O, times come in as
 * parameters.
 */
import type { Binding } from '../../client-lib/index.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';
import type { SourceMetadata } from './source-metadata.js';
import { spectrumInfo } from './spectrum-info.js';

/** Reading all bindings is dearer than comparing counts, so it happens at most this often. */
const UPDATE_INTERVAL_MS = 500;

export class SpectrumListing {
  readonly #metadata: Pick<SourceMetadata, 'spectrum'>;
  #spectra: readonly SpectrumInfo[] = [];
  /** The list as JSON, to notice changes. */
  #json = '';
  #updatedMs = -Infinity;

  constructor(metadata: Pick<SourceMetadata, 'spectrum'>) {
    this.#metadata = metadata;
  }

  get spectra(): readonly SpectrumInfo[] {
    return this.#spectra;
  }

  /** Whether there was an update. */
  get isKnown(): boolean {
    return this.#json !== '';
  }

  isDue(monotonicMs: number): boolean {
    return monotonicMs - this.#updatedMs >= UPDATE_INTERVAL_MS;
  }

  /** Makes the next update due at once, since the metadata has changed. */
  invalidate(): void {
    this.#updatedMs = -Infinity;
  }

  /** Returns whether the list differs from the previous one. */
  update(bindings: readonly Binding[], monotonicMs: number): boolean {
    this.#updatedMs = monotonicMs;
    const spectra = bindings.map((binding) => spectrumInfo(binding, this.#metadata.spectrum(binding.name)));
    const json = JSON.stringify(spectra);
    if (json === this.#json) return false;
    this.#json = json;
    this.#spectra = spectra;
    return true;
  }
}
