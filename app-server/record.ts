/**
 * The record file by which an app server owns its application's name on this host, `apps/<app>.json`: one living
 * process has it, and whoever looks for the application reads there who that is and what it was started with.
 */
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { claimPath, inodeOf, releasePath, type ClaimState } from '../protocol/claim.js';
import { identityFromWire, identityToWire } from '../protocol/contract/identity-on-wire.js';
import type { ApplicationOptions, ProcessIdentity } from '../protocol/contract/shapes.js';
import { isMirrorflowError, MirrorflowError } from '../protocol/errors.js';
import { checkName } from '../protocol/names.js';
import { isAlive, ownIdentity } from '../protocol/owner-identity.js';
import { prepareFile } from '../protocol/prepared-file.js';

const RECORD_MODE = 0o640;

/** What stands in the file, as JSON. `port` is 0 until the server listens. */
interface ApplicationRecord extends ProcessIdentity {
  readonly name: string;
  readonly socket: string;
  readonly port: number;
  readonly options: ApplicationOptions;
}

export class ClaimedRecord {
  readonly path: string;
  #record: ApplicationRecord;
  #inode: bigint | undefined;

  /** Claims the name. Throws ALREADY_RUNNING with the pid when a living app server has it. */
  constructor(directory: string, options: ApplicationOptions, socket: string) {
    this.path = join(directory, 'apps', `${checkName('application', options.name)}.json`);
    this.#record = { name: options.name, ...identityToWire(ownIdentity()), socket, port: 0, options };
    try {
      claimPath(this.path, this.#write(), inspectRecord);
    } catch (error) {
      throw isMirrorflowError(error, 'FILE_OWNED') ? alreadyRunning(options.name, error) : error;
    }
    this.#inode = inodeOf(this.path);
  }

  /** The port is known now. Readers see the old record or the new one, never a part. */
  listensOn(port: number): void {
    this.#record = { ...this.#record, port };
    renameSync(this.#write(), this.path);
    this.#inode = inodeOf(this.path);
  }

  /** Gives the name up. */
  release(): void {
    if (this.#inode !== undefined) releasePath(this.path, this.#inode);
    this.#inode = undefined;
  }

  #write(): string {
    return prepareFile(this.path, `${JSON.stringify(this.#record)}\n`, RECORD_MODE);
  }
}

/** Who owns the record at `path`. What is no record has no owner. */
function inspectRecord(path: string): ClaimState {
  let record: Partial<Record<keyof ProcessIdentity, unknown>> | null;
  try {
    record = JSON.parse(readFileSync(path, 'utf8')) as typeof record;
  } catch (error) {
    return error instanceof SyntaxError ? { kind: 'dead' } : { kind: 'free' };
  }
  const { pid, startTicks, bootId } = record ?? {};
  if (!Number.isSafeInteger(pid) || !Number.isSafeInteger(startTicks) || typeof bootId !== 'string') {
    return { kind: 'dead' };
  }
  const identity = identityFromWire({ pid: Number(pid), startTicks: Number(startTicks), bootId });
  return isAlive(identity) ? { kind: 'owned', pid: identity.pid } : { kind: 'dead' };
}

function alreadyRunning(name: string, error: MirrorflowError): MirrorflowError {
  const pid = error.facts['pid'] ?? 0;
  return new MirrorflowError(
    'ALREADY_RUNNING',
    `application ${name} is served by process ${pid} already; stop that one, or choose another name or directory`,
    { application: name, pid },
    error,
  );
}
