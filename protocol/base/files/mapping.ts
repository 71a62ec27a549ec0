/** Mapping files into memory over `mmap-io`, within the limits of that package. */
import { fstatSync } from 'node:fs';
import { MirrorflowError, describeError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { loadMmapIo, type MmapIo } from './mmap-binding.js';

/**
 * What this thread has mapped, by file and access, for as long as it is in use or not yet
 * collected. Mapped bytes count as memory to the garbage collector, so that mapping the same large
 * file again and again would make it run each time. A mapped file's inode number is not given to
 * another.
 */
const mapped = new Map<string, WeakRef<Buffer>>();
/** Entries above which those of collected mappings are looked for. */
const MAPPED_KEPT = 64;

/** Loaded with the first mapping: most processes that know flow files by name never map one. */
let mmap: MmapIo | undefined;

/**
 * Maps the first `bytes` bytes of an open file, shared with every other process that maps it. The
 * file descriptor may be closed afterwards. The mapping is undone when the returned buffer and all
 * views of it have been collected; until then the same call gives the same buffer. Throws TOO_LARGE
 * beyond 2^31 - 1 bytes (the package's sizes are signed 32-bit) and SYSTEM_ERROR when the system
 * refuses.
 */
export function mapFile(fd: number, bytes: number, access: 'read' | 'read-write'): Buffer {
  if (!Number.isInteger(bytes) || bytes < 1 || bytes > LIMITS.mappedBytes) {
    throw new MirrorflowError(
      'TOO_LARGE',
      `a mapping has 1 to ${LIMITS.mappedBytes} bytes, not ${bytes} (sizes of mappings are signed 32-bit)`,
      { bytes, limitBytes: LIMITS.mappedBytes },
    );
  }
  const { dev, ino } = fstatSync(fd, { bigint: true });
  const key = `${dev}:${ino}:${bytes}:${access}`;
  const known = mapped.get(key)?.deref();
  if (known !== undefined) return known;
  mmap ??= loadMmapIo();
  const protection = access === 'read' ? mmap.PROT_READ : mmap.PROT_READ | mmap.PROT_WRITE;
  try {
    const buffer = mmap.map(bytes, protection, mmap.MAP_SHARED, fd, 0);
    if (mapped.size >= MAPPED_KEPT) forgetCollected();
    mapped.set(key, new WeakRef(buffer));
    return buffer;
  } catch (error) {
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `mapping ${bytes} bytes failed (${describeError(error)}); the limit of address space or of mappings may be reached`,
      { bytes },
      error,
    );
  }
}

function forgetCollected(): void {
  for (const [key, buffer] of mapped) if (buffer.deref() === undefined) mapped.delete(key);
}
