/**
 * Loads the package `mmap-io` for `mapping.ts`. The package's entry module first loads a build
 * tool, which takes 40 ms and 10 MB in every process and thread and interprets options of this
 * process's command line (`--directory`, for one) as its own. So the native module is loaded
 * directly from the place where the package's build puts it; the entry module is the fallback, with
 * the command line hidden from it.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * The used part of the package; the package's own declarations describe a default export that its
 * CommonJS module does not have.
 */
export interface MmapIo {
  readonly PROT_READ: number;
  readonly PROT_WRITE: number;
  readonly MAP_SHARED: number;
  map(size: number, protection: number, flags: number, fd: number, offset: number): Buffer;
}

export function loadMmapIo(): MmapIo {
  const require = createRequire(import.meta.url);
  const root = dirname(require.resolve('mmap-io'));
  const build = `node-v${process.versions.modules}-${process.platform}-${process.arch}`;
  const nativeModule = join(root, 'build', 'binding', 'Release', build, 'mmap_io.node');
  if (existsSync(nativeModule)) return require(nativeModule) as MmapIo;
  const { argv } = process;
  process.argv = argv.slice(0, 2);
  try {
    return require('mmap-io') as MmapIo;
  } finally {
    process.argv = argv;
  }
}
