/**
 * Reads the newest publication of a mirror into the spectrum cache and the spectrum list. A
 * publication is one consistent copy of SpecTcl's display memory; a mirror is this host's copy of
 * it in shared memory. `AppWatch` calls `read` on its polling timer. Touches no socket and no
 * file of its own: it reads the mirror that is passed in.
 */
import type { Mirror } from '../../client-lib/index.js';
import { bindings } from '../../protocol/spectcl/display-memory.js';
import type { SpectrumCache } from './spectrum-cache.js';
import type { SpectrumListing } from './spectrum-listing.js';

export interface PublicationInfo {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly sequence: number;
}

export interface PublicationChanges {
  readonly counts: boolean;
  readonly list: boolean;
}

const NO_CHANGES: PublicationChanges = { counts: false, list: false };

export class PublicationReader {
  readonly #cache: SpectrumCache;
  readonly #listing: SpectrumListing;
  /** The mirror's count of publications at the last read; -1 forces the next read. */
  #readCount = -1;
  /** The count at the last update of the list, which is not part of every read. */
  #listedCount = -1;
  #publication: PublicationInfo = { atMs: 0, sequence: 0 };

  constructor(cache: SpectrumCache, listing: SpectrumListing) {
    this.#cache = cache;
    this.#listing = listing;
  }

  /** The newest publication that was read. */
  get publication(): PublicationInfo {
    return this.#publication;
  }

  /** Makes the next `read` read, although nothing may have been published since the last one. */
  invalidate(): void {
    this.#readCount = -1;
    this.#listedCount = -1;
  }

  /**
   * Does nothing when the last publication was read already. Throws when the duplicator's files
   * have been closed; the mirror's state reports the reason.
   */
  read(mirror: Mirror, monotonicMs: number): PublicationChanges {
    const { published } = mirror;
    const listDue = published !== this.#listedCount && this.#listing.isDue(monotonicMs);
    if (published === this.#readCount && !listDue) return NO_CHANGES;
    // The callback may run a second time over a newer publication, so it changes no state.
    const { changes, list, publication } = mirror.read((spectra, meta) => ({
      changes: this.#cache.compare(spectra.memory),
      list: listDue ? bindings(spectra.memory) : undefined,
      publication: { atMs: meta.timestampNs / 1e6, sequence: meta.sequence },
    }));
    this.#publication = publication;
    const listChanged = list !== undefined && this.#listing.update(list, monotonicMs);
    const countsChanged = this.#cache.commit(changes);
    this.#readCount = published;
    if (listDue) this.#listedCount = published;
    return { counts: countsChanged, list: listChanged };
  }
}
