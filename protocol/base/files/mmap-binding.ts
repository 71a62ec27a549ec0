/**
 * Loads `mmap-io`. Its entry module first loads a build tool, which takes 40 ms and 10 MB in every
 * process and thread and reads this process's command line for options of its own (`--directory`
 * among them). The native module behind it is loaded directly where the package's build puts it;
 * the entry module serves where it is not there, with the command line out of its sight.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * The part of the package that is used; its own declarations describe a default export that the
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
  const native = join(root, 'build', 'binding', 'Release', build, 'mmap_io.node');
  if (existsSync(native)) return require(native) as MmapIo;
  const { argv } = process;
  process.argv = argv.slice(0, 2);
  try {
    return require('mmap-io') as MmapIo;
  } finally {
    process.argv = argv;
  }
}
