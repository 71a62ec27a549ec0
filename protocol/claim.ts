/**
 * Claiming a path: exactly one living process owns it, without locks that could outlive their holder.
 *
 * The claimant makes its file complete under a temporary name in the same directory and links it into place, which fails when
 * somebody else's stands there. A dead owner's file is first renamed away; the rename is atomic, and the inode tells afterwards
 * whether the file taken away really was the dead one, so that two claimants recovering at the same moment never both win.
 */
import { linkSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { MirrorflowError, describeError, systemCode } from './errors.js';

/** What stands at a claimed path: a living owner's file, a dead owner's, or nothing. */
export type ClaimState = { kind: 'free' } | { kind: 'dead' } | { kind: 'owned'; pid: number };

/** Attempts before a path that keeps changing hands is given up: every one of them lost to another living claimant. */
const CLAIM_ATTEMPTS = 8;

/** A temporary name beside `path`; `mirrorflow clean` knows the pattern. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`);
}

/**
 * Puts `prepared` (a complete file, same directory) in place at `path` and removes its temporary name.
 * `inspect` says who owns what is there. Throws FILE_OWNED with the owner's pid when a living process has it.
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
      const inode = inodeOf(path);
      const state = inspect(path);
      if (state.kind === 'owned') {
        throw new MirrorflowError('FILE_OWNED', `${path} belongs to the running process ${state.pid}`, {
          path,
          pid: state.pid,
        });
      }
      if (state.kind === 'dead' && inode !== undefined) removeIf(path, inode);
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

/** Removes the file at `path` if it still is the one with `inode`; another's is put back at once. */
function removeIf(path: string, inode: bigint): void {
  const aside = temporaryName(path);
  try {
    renameSync(path, aside);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw claimFailed(path, error);
  }
  if (inodeOf(aside) !== inode) {
    try {
      linkSync(aside, path);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw claimFailed(path, error);
    }
  }
  remove(aside);
}

/** Gives a claimed path up, if the file there is still ours. */
export function releasePath(path: string, inode: bigint): void {
  removeIf(path, inode);
}

export function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
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
