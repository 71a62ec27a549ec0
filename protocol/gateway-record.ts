/**
 * The record by which one living process is the gateway of an application on this host, and by which the shared memory that it made is found
 * again when it was killed: `.gateway.json` beside the flow files, which end with a reboot as shared memory does.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { claimPath, inodeOf, releasePath, temporaryName, type ClaimState } from './claim.js';
import { identityFromWire, identityToWire } from './contract/identity-on-wire.js';
import { processIdentity } from './contract/shapes.js';
import { isAlive, ownIdentity, type OwnerIdentity } from './owner-identity.js';
import type { SegmentRecord } from './sysv/segment.js';
import type { Place } from './xml-rpc/schema.js';

const MODE = 0o640;
const BYTES_MAX = 16_384;

export interface GatewayRecord {
  readonly owner: OwnerIdentity;
  /** The shared memory that the owner has made, or has taken over from its dead predecessor. */
  readonly segment?: SegmentRecord;
}

/** Undefined when there is none that can be read. */
export function readGatewayRecord(path: string): GatewayRecord | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > BYTES_MAX) return undefined;
    const found = JSON.parse(text) as { owner?: unknown; segment?: { key?: unknown; creator?: unknown } };
    const owner = identity(found.owner, 'owner');
    const { key, creator } = found.segment ?? {};
    if (typeof key !== 'string') return { owner };
    return { owner, segment: { key, creator: identity(creator, 'creator') } };
  } catch {
    return undefined;
  }
}

/** Who owns the record at `path`; what cannot be read has no owner. */
export function inspectGatewayRecord(path: string): ClaimState {
  if (inodeOf(path) === undefined) return { kind: 'free' };
  const record = readGatewayRecord(path);
  if (record === undefined || !isAlive(record.owner)) return { kind: 'dead' };
  return { kind: 'owned', pid: record.owner.pid };
}

/** This process's own record. */
export class ClaimedGatewayRecord {
  readonly #path: string;
  #inode: bigint | undefined;

  /** Claims the place; `segment` is what a dead predecessor has left. Throws FILE_OWNED with the pid of a living gateway. */
  constructor(path: string, segment: SegmentRecord | undefined) {
    this.#path = path;
    claimPath(path, this.#write(segment), inspectGatewayRecord);
    this.#inode = inodeOf(path);
  }

  /** Names the shared memory that is there, or is about to be. Readers see the old record or the new one, never a part. */
  holds(segment: SegmentRecord | undefined): void {
    renameSync(this.#write(segment), this.#path);
    this.#inode = inodeOf(this.#path);
  }

  /** Gives the place up. Idempotent. */
  release(): void {
    if (this.#inode !== undefined) releasePath(this.#path, this.#inode);
    this.#inode = undefined;
  }

  #write(segment: SegmentRecord | undefined): string {
    const path = temporaryName(this.#path);
    const record = {
      owner: identityToWire(ownIdentity()),
      ...(segment === undefined
        ? {}
        : { segment: { key: segment.key, creator: identityToWire(segment.creator) } }),
    };
    writeFileSync(path, `${JSON.stringify(record)}\n`, { mode: MODE, flag: 'wx' });
    return path;
  }
}

function identity(value: unknown, root: string): OwnerIdentity {
  const place: Place = { method: 'gateway record', root, path: [], unknownMembers: 'drop' };
  return identityFromWire(processIdentity.check(value, place));
}
