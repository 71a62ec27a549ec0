/**
 * The library `koffi`, which calls functions of the C library: for System V shared memory and for
 * access lists, which Node does not offer. Its packages for each processor are optional
 * dependencies, so that it may be missing. Called by the modules of System V segments and access
 * lists. Loads a native module, once per process.
 */
import { createRequire } from 'node:module';

/** The functions of `koffi` that this project uses. */
export interface Koffi {
  load(path: string | null): { func(declaration: string): (...args: never[]) => unknown };
  errno(): number;
  address(pointer: unknown): bigint;
  view(pointer: unknown, bytes: number): ArrayBuffer;
  readonly os: { readonly errno: Readonly<Record<string, number>> };
}

export const C_LIBRARY = 'libc.so.6';

/**
 * The package of koffi for this processor holds the whole library. The package `koffi` itself only
 * chooses among these, and has an installation script. Throws where it is not installed.
 */
export function loadKoffi(): Koffi {
  return createRequire(import.meta.url)(`@koromix/koffi-${process.platform}-${process.arch}`) as Koffi;
}
