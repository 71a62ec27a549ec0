/**
 * Creates files whose every page is allocated, so that a full file system is an error at creation
 * and never a SIGBUS in a process that has mapped the file. Used for flow files, images and claim
 * locks. Creates, fills and (after a failure) removes the file.
 */
import { closeSync, fchmodSync, fchownSync, openSync, statfsSync, unlinkSync, writevSync } from 'node:fs';
import { dirname } from 'node:path';
import { MirrorflowError, describeError, systemCode } from '../errors.js';

const ZEROS = Buffer.alloc(1024 * 1024);
/** Buffers per writev call; the system accepts at most 1,024 (writev(2), IOV_MAX). */
const ZEROS_PER_WRITE = 64;

export interface FileAccess {
  /** Permission bits; 0640 lets consumers of the group read. */
  readonly mode: number;
  /** Group id of the file. Default: the group of the process. */
  readonly gid?: number;
}

/**
 * Creates `path`, which must not exist, with `bytes` zero bytes, all allocated. Returns the open
 * descriptor, which the caller closes. Throws NO_SPACE with the numbers if the file system cannot
 * hold the file, SYSTEM_ERROR for other failures; no file remains after a failure.
 */
export function createAllocated(path: string, bytes: number, access: FileAccess): number {
  checkFreeSpace(path, bytes);
  let fd: number;
  try {
    fd = openSync(path, 'wx+', access.mode);
  } catch (error) {
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `${path} cannot be created: ${describeError(error)}`,
      { path },
      error,
    );
  }
  try {
    fchmodSync(fd, access.mode); // the umask of the process has reduced the mode at creation
    if (access.gid !== undefined) fchownSync(fd, -1, access.gid);
    let remaining = bytes;
    while (remaining > 0) {
      const batch: Buffer[] = [];
      for (let rest = remaining; rest > 0 && batch.length < ZEROS_PER_WRITE; rest -= ZEROS.length) {
        batch.push(rest < ZEROS.length ? ZEROS.subarray(0, rest) : ZEROS);
      }
      remaining -= writevSync(fd, batch);
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    unlinkSync(path);
    const code = systemCode(error);
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
      throw noSpace(path, bytes, undefined, error);
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `${path} cannot be filled: ${describeError(error)}`,
      { path, bytes },
      error,
    );
  }
}

function checkFreeSpace(path: string, bytes: number): void {
  let free: number;
  try {
    const system = statfsSync(dirname(path));
    free = system.bavail * system.bsize;
  } catch (error) {
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `the free space of ${dirname(path)} cannot be determined: ${describeError(error)}`,
      { path },
      error,
    );
  }
  if (free < bytes) throw noSpace(path, bytes, free);
}

function noSpace(path: string, bytes: number, free: number | undefined, cause?: unknown): MirrorflowError {
  const available = free === undefined ? 'the space ran out during the allocation' : `${free} bytes are free`;
  return new MirrorflowError(
    'NO_SPACE',
    `${path} needs ${bytes} bytes in ${dirname(path)}, where ${available}; use fewer or smaller buffers, or another --flow-dir`,
    { path, bytes, ...(free === undefined ? {} : { freeBytes: free }) },
    cause,
  );
}
