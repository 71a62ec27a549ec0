/** Mapping files into memory over `mmap-io`, within the limits of that package. */
import { MirrorflowError, describeError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { loadMmapIo, type MmapIo } from './mmap-binding.js';

/** Loaded with the first mapping: most processes that know flow files by name never map one. */
let mmap: MmapIo | undefined;

/**
 * Maps the first `bytes` bytes of an open file, shared with every other process that maps it. The file descriptor may be
 * closed afterwards. The mapping is undone when the returned buffer and all views of it have been collected.
 * Throws TOO_LARGE beyond 2^31 - 1 bytes (the package's sizes are signed 32-bit) and SYSTEM_ERROR when the system refuses.
 */
export function mapFile(fd: number, bytes: number, access: 'read' | 'read-write'): Buffer {
  if (!Number.isInteger(bytes) || bytes < 1 || bytes > LIMITS.mappedBytes) {
    throw new MirrorflowError(
      'TOO_LARGE',
      `a mapping has 1 to ${LIMITS.mappedBytes} bytes, not ${bytes} (sizes of mappings are signed 32-bit)`,
      { bytes, limitBytes: LIMITS.mappedBytes },
    );
  }
  mmap ??= loadMmapIo();
  const protection = access === 'read' ? mmap.PROT_READ : mmap.PROT_READ | mmap.PROT_WRITE;
  try {
    return mmap.map(bytes, protection, mmap.MAP_SHARED, fd, 0);
  } catch (error) {
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `mapping ${bytes} bytes failed (${describeError(error)}); the limit of address space or of mappings may be reached`,
      { bytes },
      error,
    );
  }
}
