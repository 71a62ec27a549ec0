/**
 * Creating files whose every page is allocated: a full file system is an error here and never a
 * SIGBUS later.
 */
import { closeSync, fchmodSync, fchownSync, openSync, statfsSync, unlinkSync, writevSync } from 'node:fs';
import { dirname } from 'node:path';
import { MirrorflowError, describeError, systemCode } from '../errors.js';

const ZEROS = Buffer.alloc(1024 * 1024);
/** Buffers per writev call; the system takes 1,024 at most. */
const ZEROS_PER_WRITE = 64;

export interface FileAccess {
  /** Permission bits, 0640 for consumers of the group. */
  readonly mode: number;
  /** Numeric group of the file; the process's own when left out. */
  readonly gid?: number;
}

/**
 * Creates `path` (which must not exist) with `bytes` zero bytes, all allocated, and returns its
 * open descriptor, which the caller closes. Throws NO_SPACE with the numbers when the file system
 * cannot hold it; nothing is left behind then.
 */
export function createAllocated(path: string, bytes: number, access: FileAccess): number {
  refuseWithoutSpace(path, bytes);
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
    fchmodSync(fd, access.mode); // the process's umask must not narrow what was asked for
    if (access.gid !== undefined) fchownSync(fd, -1, access.gid);
    let left = bytes;
    while (left > 0) {
      const batch: Buffer[] = [];
      for (let planned = left; planned > 0 && batch.length < ZEROS_PER_WRITE; planned -= ZEROS.length) {
        batch.push(planned < ZEROS.length ? ZEROS.subarray(0, planned) : ZEROS);
      }
      left -= writevSync(fd, batch);
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

function refuseWithoutSpace(path: string, bytes: number): void {
  let free: number;
  try {
    const system = statfsSync(dirname(path));
    free = system.bavail * system.bsize;
  } catch (error) {
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `${dirname(path)} cannot be examined: ${describeError(error)}`,
      { path },
      error,
    );
  }
  if (free < bytes) throw noSpace(path, bytes, free);
}

function noSpace(path: string, bytes: number, free: number | undefined, cause?: unknown): MirrorflowError {
  const found = free === undefined ? 'it became full meanwhile' : `${free} are free`;
  return new MirrorflowError(
    'NO_SPACE',
    `${path} needs ${bytes} bytes in ${dirname(path)}, where ${found}; use fewer or smaller buffers, or another --flow-dir`,
    { path, bytes, ...(free === undefined ? {} : { freeBytes: free }) },
    cause,
  );
}
