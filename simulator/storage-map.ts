/**
 * Allocates places for spectra in the channel storage of a simulated display memory: first fit, so
 * that freed places are used again. Used by spectrum-store.ts. Pure.
 */
export interface Extent {
  readonly offset: number;
  readonly bytes: number;
}

/** Every spectrum begins at a multiple of this number, which aligns all channel sizes. */
const ALIGNMENT_BYTES = 8;

export class StorageMap {
  readonly #capacity: number;
  /** Ordered by offset. */
  readonly #allocated: Extent[] = [];

  constructor(capacityBytes: number) {
    this.#capacity = capacityBytes;
  }

  /** Undefined when there is no gap of this size. */
  allocate(bytes: number): Extent | undefined {
    let offset = 0;
    let index = 0;
    for (const extent of this.#allocated) {
      if (extent.offset - offset >= bytes) break;
      offset = align(extent.offset + extent.bytes);
      index++;
    }
    if (offset + bytes > this.#capacity) return undefined;
    const extent = { offset, bytes };
    this.#allocated.splice(index, 0, extent);
    return extent;
  }

  free(extent: Extent): void {
    const index = this.#allocated.indexOf(extent);
    if (index >= 0) this.#allocated.splice(index, 1);
  }
}

function align(offset: number): number {
  return Math.ceil(offset / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}
