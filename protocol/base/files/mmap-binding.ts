/**
 * The functions of the native module `mmap-io` that this project uses, with their types. Used by
 * mapping.ts; flow threads load the module before they need it.
 */
import { loadNativeAddon } from './native-addon.js';

/** The package's own declarations describe a default export that the CommonJS module lacks. */
export interface MmapIo {
  readonly PROT_READ: number;
  readonly PROT_WRITE: number;
  readonly MAP_SHARED: number;
  map(size: number, protection: number, flags: number, fd: number, offset: number): Buffer;
}

/** Throws SYSTEM_ERROR where there is no build for the running Node. */
export function loadMmapIo(): MmapIo {
  return loadNativeAddon('mmap-io') as MmapIo;
}
