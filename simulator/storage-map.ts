/** Where spectra lie in channel storage: first fit, so that a freed place is used again. */
export interface Extent {
  readonly offset: number;
  readonly bytes: number;
}

/** Every spectrum begins at a multiple of this, which suits all channel sizes. */
const ALIGNMENT_BYTES = 8;

export class StorageMap {
  readonly #capacity: number;
  /** In the order of offsets. */
  readonly #taken: Extent[] = [];

  constructor(capacityBytes: number) {
    this.#capacity = capacityBytes;
  }

  /** Undefined when there is no gap of that size. */
  take(bytes: number): Extent | undefined {
    let offset = 0;
    let index = 0;
    for (const extent of this.#taken) {
      if (extent.offset - offset >= bytes) break;
      offset = align(extent.offset + extent.bytes);
      index++;
    }
    if (offset + bytes > this.#capacity) return undefined;
    const extent = { offset, bytes };
    this.#taken.splice(index, 0, extent);
    return extent;
  }

  give(extent: Extent): void {
    const index = this.#taken.indexOf(extent);
    if (index >= 0) this.#taken.splice(index, 1);
  }
}

function align(offset: number): number {
  return Math.ceil(offset / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}
