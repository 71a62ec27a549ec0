/**
 * A record by which one living process owns a place: a small file of JSON at a path that was
 * claimed, complete whenever it is read. It holds its owner's identity, and what others must know
 * of the place.
 */
import { readFileSync, renameSync } from 'node:fs';
import { claimPath, inodeOf, releasePath, type ClaimState } from '../base/files/claim.js';
import { identityFromWire } from '../rpc/contract/identity-on-wire.js';
import { processIdentity } from '../rpc/contract/shapes.js';
import { MirrorflowError, isMirrorflowError, systemCode } from '../base/errors.js';
import { isAlive, type OwnerIdentity } from '../base/owner-identity.js';
import { prepareFile } from '../base/files/prepared-file.js';

const MODE = 0o640;

export class ClaimedRecord {
  readonly path: string;
  #inode: bigint | undefined;

  /**
   * Claims the path with a record. `inspect` tells who owns the one that is there. Throws
   * FILE_OWNED with the pid of a living owner, and what `prepareFile` throws; then nothing of ours
   * is left behind.
   */
  constructor(path: string, record: object, inspect: (path: string) => ClaimState = inspectRecord) {
    this.path = path;
    claimPath(path, prepared(path, record), inspect);
    this.#inode = inodeOf(path);
  }

  /** Readers see the old record or the new one, never a part. */
  replace(record: object): void {
    renameSync(prepared(this.path, record), this.path);
    this.#inode = inodeOf(this.path);
  }

  /** Gives the place up. Idempotent. */
  release(): void {
    if (this.#inode !== undefined) releasePath(this.path, this.#inode);
    this.#inode = undefined;
  }
}

/**
 * Who owns the record at `path`, whose members name its owner. Records appear complete, so what
 * cannot be read is nobody's. Throws what the file system throws when it does not let us look.
 */
export function inspectRecord(path: string): ClaimState {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return { kind: 'free' };
    throw thrown;
  }
  try {
    const identity = readIdentity(JSON.parse(text), path);
    return isAlive(identity) ? { kind: 'owned', pid: identity.pid } : { kind: 'dead' };
  } catch {
    return { kind: 'dead' };
  }
}

/**
 * A process's identity as records hold it. Throws BAD_PARAMETERS naming `where` for anything else.
 */
export function readIdentity(value: unknown, where: string): OwnerIdentity {
  return identityFromWire(
    processIdentity.check(value, { method: where, root: 'record', path: [], unknownMembers: 'drop' }),
  );
}

/**
 * What a refused claim means to people: ALREADY_RUNNING with `words` for the pid of the living
 * owner; any other error as it is.
 */
export function alreadyRunning(error: unknown, words: (pid: number) => string): unknown {
  if (!isMirrorflowError(error, 'FILE_OWNED')) return error;
  const pid = Number(error.facts['pid'] ?? 0);
  return new MirrorflowError('ALREADY_RUNNING', words(pid), { ...error.facts, pid }, error);
}

function prepared(path: string, record: object): string {
  return prepareFile(path, `${JSON.stringify(record)}\n`, MODE);
}
