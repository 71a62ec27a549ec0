/**
 * Maps files into memory with the package `mmap-io`, within its limits. Used for flow files,
 * images and claim locks, in main threads and worker threads. Loads the native module with the
 * first mapping.
 */
import { fstatSync } from 'node:fs';
import { MirrorflowError, describeError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { loadMmapIo, type MmapIo } from './mmap-binding.js';

/**
 * The mappings of this thread by device, inode, size and access, until they are collected. Mapped
 * bytes count as memory for the garbage collector: mapping the same large file repeatedly would
 * trigger a collection each time. The system reuses no inode number while its file is mapped.
 */
const mappings = new Map<string, WeakRef<Buffer>>();
/** From this number of entries on, those of collected mappings are removed. */
const MAPPINGS_KEPT = 64;

/** Loaded with the first mapping: most processes that import this module never map a file. */
let mmap: MmapIo | undefined;

/**
 * Maps the first `bytes` bytes of an open file, shared with every other process that maps it. The
 * caller may close the descriptor afterwards. The mapping ends when the returned buffer and all
 * views of it have been collected; until then the same call returns the same buffer. Throws
 * TOO_LARGE beyond 2^31 - 1 bytes (the package's sizes are signed 32-bit) and SYSTEM_ERROR if the
 * system refuses.
 */
export function mapFile(fd: number, bytes: number, access: 'read' | 'read-write'): Buffer {
  if (!Number.isInteger(bytes) || bytes < 1 || bytes > LIMITS.mappedBytesMax) {
    throw new MirrorflowError(
      'TOO_LARGE',
      `a mapping of ${bytes} bytes is not possible: its size must be 1 to ${LIMITS.mappedBytesMax} bytes (signed 32-bit)`,
      { bytes, limitBytes: LIMITS.mappedBytesMax },
    );
  }
  const { dev, ino } = fstatSync(fd, { bigint: true });
  const key = `${dev}:${ino}:${bytes}:${access}`;
  const existing = mappings.get(key)?.deref();
  if (existing !== undefined) return existing;
  mmap ??= loadMmapIo();
  const protection = access === 'read' ? mmap.PROT_READ : mmap.PROT_READ | mmap.PROT_WRITE;
  try {
    const buffer = mmap.map(bytes, protection, mmap.MAP_SHARED, fd, 0);
    if (mappings.size >= MAPPINGS_KEPT) removeCollected();
    mappings.set(key, new WeakRef(buffer));
    return buffer;
  } catch (error) {
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `mapping ${bytes} bytes failed (${describeError(error)}); check the limits of address space and of mappings (ulimit -v, vm.max_map_count)`,
      { bytes },
      error,
    );
  }
}

function removeCollected(): void {
  for (const [key, buffer] of mappings) if (buffer.deref() === undefined) mappings.delete(key);
}
