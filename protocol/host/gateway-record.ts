/**
 * The record of an application's gateway (SpecTcl's services for old viewers) on this host:
 * `.gateway.json` beside the flow files, which end with a reboot as shared memory does. It makes
 * the gateway unique, and names its shared memory so that it is found after a crash. The gateway
 * claims it; app servers and the clean-up read it.
 */
import { readFileSync } from 'node:fs';
import { inodeOf, type ClaimState } from '../base/files/claim.js';
import { ClaimedRecord, readIdentity } from './claimed-record.js';
import { identityToWire } from '../rpc/contract/identity-on-wire.js';
import { isAlive, ownIdentity, type OwnerIdentity } from '../base/owner-identity.js';
import type { SegmentRecord } from '../spectcl/sysv/segment.js';

const BYTES_MAX = 16_384;

export interface GatewayRecord {
  readonly owner: OwnerIdentity;
  /** The shared memory that the owner has created, or has taken over from its dead predecessor. */
  readonly segment?: SegmentRecord;
}

/** Undefined without a readable record. */
export function readGatewayRecord(path: string): GatewayRecord | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > BYTES_MAX) return undefined;
    const content = JSON.parse(text) as { owner?: unknown; segment?: { key?: unknown; creator?: unknown } };
    const owner = readIdentity(content.owner, path);
    const { key, creator } = content.segment ?? {};
    if (typeof key !== 'string') return { owner };
    return { owner, segment: { key, creator: readIdentity(creator, path) } };
  } catch {
    return undefined;
  }
}

/** The owner of the record at `path`; an unreadable record has no living owner. */
export function inspectGatewayRecord(path: string): ClaimState {
  if (inodeOf(path) === undefined) return { kind: 'free' };
  const record = readGatewayRecord(path);
  if (record === undefined || !isAlive(record.owner)) return { kind: 'dead' };
  return { kind: 'owned', pid: record.owner.pid };
}

/** This process's own record. */
export class ClaimedGatewayRecord {
  readonly #claimed: ClaimedRecord;

  /**
   * Claims the record; `segment` is the shared memory that a dead predecessor has left. Throws
   * FILE_OWNED with the pid of a living gateway.
   */
  constructor(path: string, segment: SegmentRecord | undefined) {
    this.#claimed = new ClaimedRecord(path, recordOf(segment), inspectGatewayRecord);
  }

  /** Names the shared memory that exists or is about to be created. */
  setSegment(segment: SegmentRecord | undefined): void {
    this.#claimed.replace(recordOf(segment));
  }

  /** Writes the record again where it was removed. Throws FILE_OWNED. */
  putBack(): void {
    this.#claimed.putBack();
  }

  /** Removes the record. Idempotent. */
  release(): void {
    this.#claimed.release();
  }
}

function recordOf(segment: SegmentRecord | undefined) {
  const owner = identityToWire(ownIdentity());
  if (segment === undefined) return { owner };
  return { owner, segment: { key: segment.key, creator: identityToWire(segment.creator) } };
}
