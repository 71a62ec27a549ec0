/**
 * A record by which one living process owns a name (host server, application, gateway): a small
 * JSON file at a claimed path, complete whenever it is read. It holds the identity of its owner
 * (process id, start time, boot) and the facts that other processes need. Servers claim it at their
 * start. Creates, replaces and removes the file.
 */
import { readFileSync, renameSync } from 'node:fs';
import { claimPath, inodeOf, releasePath, type ClaimState } from '../base/files/claim.js';
import { identityFromWire } from '../rpc/contract/identity-on-wire.js';
import { processIdentity } from '../rpc/contract/process-identity.js';
import { MirrorflowError, isMirrorflowError, systemCode } from '../base/errors.js';
import { isAlive, type OwnerIdentity } from '../base/owner-identity.js';
import { prepareFile } from '../base/files/prepared-file.js';

const MODE = 0o640;

export class ClaimedRecord {
  readonly path: string;
  readonly #inspect: (path: string) => ClaimState;
  #record: object;
  #inode: bigint | undefined;

  /**
   * Claims the path with a record. `inspect` returns the owner of an existing record. Throws
   * FILE_OWNED with the pid of a living owner, and the errors of `prepareFile`; no file is left
   * then.
   */
  constructor(path: string, record: object, inspect: (path: string) => ClaimState = inspectRecord) {
    this.path = path;
    this.#record = record;
    this.#inspect = inspect;
    claimPath(path, prepared(path, record), inspect);
    this.#inode = inodeOf(path);
  }

  /** Readers see the old record or the new one, never a part. */
  replace(record: object): void {
    this.#record = record;
    renameSync(prepared(this.path, record), this.path);
    this.#inode = inodeOf(this.path);
  }

  /**
   * Claims the path again when another program has removed the record. Throws FILE_OWNED when
   * another process has claimed it meanwhile.
   */
  putBack(): void {
    if (this.#inode === undefined || inodeOf(this.path) === this.#inode) return;
    claimPath(this.path, prepared(this.path, this.#record), this.#inspect);
    this.#inode = inodeOf(this.path);
  }

  /** Removes the record. Idempotent. */
  release(): void {
    if (this.#inode !== undefined) releasePath(this.path, this.#inode);
    this.#inode = undefined;
  }
}

/**
 * The owner of the record at `path`. Records appear complete, so an unreadable one has no living
 * owner. Throws the errors of the file system, a missing file excepted.
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

/** The process identity in a record. Throws INVALID_PARAMETERS, naming `where`. */
export function readIdentity(value: unknown, where: string): OwnerIdentity {
  return identityFromWire(
    processIdentity.check(value, { method: where, root: 'record', path: [], unknownMembers: 'drop' }),
  );
}

/**
 * ALREADY_RUNNING, with `words` for the pid of the living owner, for FILE_OWNED; others as they
 * are.
 */
export function alreadyRunning(error: unknown, words: (pid: number) => string): unknown {
  if (!isMirrorflowError(error, 'FILE_OWNED')) return error;
  const pid = Number(error.facts['pid'] ?? 0);
  return new MirrorflowError('ALREADY_RUNNING', words(pid), { ...error.facts, pid }, error);
}

function prepared(path: string, record: object): string {
  return prepareFile(path, `${JSON.stringify(record)}\n`, MODE);
}
