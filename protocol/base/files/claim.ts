/**
 * Claiming a path: exactly one living process owns it.
 *
 * The claimant makes its file complete under a temporary name in the same directory and links it
 * into place, which fails when somebody else's stands there. A dead owner's file is removed first,
 * under the directory's claim lock and after it was looked at again: only the lock's holder removes
 * what is not its own, so a file that was linked meanwhile is never taken for the dead one.
 */
import { linkSync, statSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withLock } from './claim-lock.js';
import { MirrorflowError, describeError, systemCode } from '../errors.js';

export { temporaryName } from './temporary-name.js';

/** What stands at a claimed path: a living owner's file, a dead owner's, or nothing. */
export type ClaimState = { kind: 'free' } | { kind: 'dead' } | { kind: 'owned'; pid: number };

/**
 * Attempts before a path that keeps changing hands is given up: every one of them lost to another
 * claimant that died since.
 */
const CLAIM_ATTEMPTS = 8;
/** Stands in every directory in which a dead owner's file was ever found; stays there. */
export const LOCK_NAME = '.claims';

/**
 * Puts `prepared` (a complete file, same directory) in place at `path` and removes its temporary
 * name. `inspect` says who owns what is there. Throws FILE_OWNED with the owner's pid when a living
 * process has it.
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
      `${path} changed its owner ${CLAIM_ATTEMPTS} times while it was claimed`,
      { path },
    );
  } finally {
    remove(prepared);
  }
}

/**
 * Removes what a dead owner left at `path`, so that its space is free before a successor's is
 * allocated. Throws FILE_OWNED with the owner's pid when a living process has it.
 */
export function clearPath(path: string, inspect: (path: string) => ClaimState): void {
  if (refuseOwned(path, inspect(path)).kind === 'free') return;
  withLock(join(dirname(path), LOCK_NAME), () => {
    if (refuseOwned(path, inspect(path)).kind === 'dead') remove(path);
  });
}

/** Gives a claimed path up, if the file there is still ours. Only its living owner may. */
export function releasePath(path: string, inode: bigint): void {
  // Nobody else touches a living owner's file; a different one means that somebody cleared the
  // directory by hand.
  if (inodeOf(path) === inode) remove(path);
}

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
