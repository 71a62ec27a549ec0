/**
 * Claims paths: exactly one living process owns the file at a claimed path. Used for flow files and
 * for the records of host servers, applications and gateways.
 *
 * The claimant completes its file under a temporary name in the same directory and links it into
 * place; the link fails if another file is there. The file of a dead owner is removed first, under
 * the claim lock of the directory and after a second inspection: only the holder of the lock
 * removes a file of another process, so that a file linked in the meantime is never removed.
 * Creates and removes files in that directory.
 */
import { linkSync, statSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withLock } from './claim-lock.js';
import { MirrorflowError, describeError, systemCode } from '../errors.js';

export { temporaryName } from './temporary-name.js';

/** The file at a claimed path: none, one of a dead owner, or one of a living owner. */
export type ClaimState = { kind: 'free' } | { kind: 'dead' } | { kind: 'owned'; pid: number };

/** Each failed attempt means that another process claimed the path and died within the attempt. */
const CLAIM_ATTEMPTS = 8;
/** Name of the claim lock in a directory; created with the first dead owner's file found there. */
export const LOCK_NAME = '.claims';

/**
 * Links `prepared`, a complete file in the same directory, to `path` and removes its temporary
 * name. `inspect` returns the state of an existing file. Throws FILE_OWNED with the pid of a living
 * owner, SYSTEM_ERROR for other failures.
 */
export function claimPath(path: string, prepared: string, inspect: (path: string) => ClaimState): void {
  try {
    for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt += 1) {
      try {
        linkSync(prepared, path);
        return;
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw claimFailed(path, error);
      }
      clearPath(path, inspect);
    }
    throw new MirrorflowError(
      'FILE_OWNED',
      `${path} changed its owner ${CLAIM_ATTEMPTS} times while it was claimed; try again`,
      { path },
    );
  } finally {
    remove(prepared);
  }
}

/**
 * Removes the file of a dead owner at `path`, so that its space is free before a successor's file
 * is allocated. Throws FILE_OWNED with the pid of a living owner.
 */
export function clearPath(path: string, inspect: (path: string) => ClaimState): void {
  if (refuseOwned(path, inspect(path)).kind === 'free') return;
  withLock(join(dirname(path), LOCK_NAME), () => {
    if (refuseOwned(path, inspect(path)).kind === 'dead') remove(path);
  });
}

/** Removes the file at a claimed path if it has this inode. Only its living owner may call this. */
export function releasePath(path: string, inode: bigint): void {
  // No other process removes a living owner's file; another inode means that a user cleared the
  // directory by hand.
  if (inodeOf(path) === inode) remove(path);
}

/** Undefined if there is no file at the path. */
export function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}

function refuseOwned(path: string, state: ClaimState): ClaimState {
  if (state.kind !== 'owned') return state;
  throw new MirrorflowError('FILE_OWNED', `${path} belongs to the running process ${state.pid}`, {
    path,
    pid: state.pid,
  });
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw claimFailed(path, error);
  }
}

function claimFailed(path: string, error: unknown): MirrorflowError {
  return new MirrorflowError(
    'SYSTEM_ERROR',
    `${path} cannot be claimed: ${describeError(error)}`,
    { path },
    error,
  );
}
