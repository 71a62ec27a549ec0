/**
 * The record by which one host server owns a runtime directory: `host.json`, claimed before anything else is touched, so that
 * a second one ends without having disturbed the first.
 */
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { claimPath, inodeOf, releasePath, type ClaimState } from '../protocol/claim.js';
import { identityFromWire, identityToWire } from '../protocol/contract/identity-on-wire.js';
import { processIdentity } from '../protocol/contract/shapes.js';
import { isMirrorflowError, MirrorflowError, systemCode } from '../protocol/errors.js';
import { isAlive, ownIdentity } from '../protocol/owner-identity.js';
import { prepareFile } from '../protocol/prepared-file.js';

const RECORD_MODE = 0o640;

export class HostRecord {
  readonly #path: string;
  readonly #socket: string;
  #inode: bigint | undefined;

  /** Throws ALREADY_RUNNING with the pid when a living host server has the directory. */
  constructor(directory: string, socket: string) {
    this.#path = join(directory, 'host.json');
    this.#socket = socket;
    try {
      claimPath(this.#path, this.#write(0), inspect);
    } catch (error) {
      throw isMirrorflowError(error, 'FILE_OWNED') ? alreadyRunning(directory, error) : error;
    }
    this.#inode = inodeOf(this.#path);
  }

  /** The port of XML-RPC over HTTP is known now; 0 stood there before. Readers see one record or the other, never a part. */
  listensOn(port: number): void {
    renameSync(this.#write(port), this.#path);
    this.#inode = inodeOf(this.#path);
  }

  /** Gives the directory to the next host server. */
  release(): void {
    if (this.#inode !== undefined) releasePath(this.#path, this.#inode);
    this.#inode = undefined;
  }

  #write(port: number): string {
    const record = { ...identityToWire(ownIdentity()), socket: this.#socket, port };
    return prepareFile(this.#path, `${JSON.stringify(record)}\n`, RECORD_MODE);
  }
}

function inspect(path: string): ClaimState {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return { kind: 'free' };
    throw thrown;
  }
  try {
    const place = { method: path, root: 'record', path: [], unknownMembers: 'drop' } as const;
    const identity = identityFromWire(processIdentity.check(JSON.parse(text), { ...place, path: [] }));
    return isAlive(identity) ? { kind: 'owned', pid: identity.pid } : { kind: 'dead' };
  } catch {
    // Records appear complete, so what cannot be read is nobody's.
    return { kind: 'dead' };
  }
}

function alreadyRunning(directory: string, error: MirrorflowError): MirrorflowError {
  const pid = error.facts['pid'];
  const who = pid === undefined ? 'another host server' : `the host server with process id ${pid}`;
  return new MirrorflowError(
    'ALREADY_RUNNING',
    `${who} runs for ${directory} already; use it, end it with ${pid === undefined ? 'host.quit' : `kill ${pid}`}, or choose another directory`,
    error.facts,
    error,
  );
}
