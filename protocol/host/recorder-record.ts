/**
 * The record of an application's recorder on this host: `.recorder.json` beside the flow files. It
 * makes the recorder unique, and a later app server finds it there. The recorder claims it; app
 * servers and the clean-up read it.
 */
import { readFileSync } from 'node:fs';
import { inodeOf, type ClaimState } from '../base/files/claim.js';
import { isAlive, ownIdentity, type OwnerIdentity } from '../base/owner-identity.js';
import { identityToWire } from '../rpc/contract/identity-on-wire.js';
import { ClaimedRecord, readIdentity } from './claimed-record.js';

const BYTES_MAX = 4_096;

/** Undefined without a readable record. */
export function readRecorderRecord(path: string): { readonly owner: OwnerIdentity } | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > BYTES_MAX) return undefined;
    const { owner } = JSON.parse(text) as { owner?: unknown };
    return { owner: readIdentity(owner, path) };
  } catch {
    return undefined;
  }
}

/** The owner of the record at `path`; an unreadable record has no living owner. */
export function inspectRecorderRecord(path: string): ClaimState {
  if (inodeOf(path) === undefined) return { kind: 'free' };
  const record = readRecorderRecord(path);
  if (record === undefined || !isAlive(record.owner)) return { kind: 'dead' };
  return { kind: 'owned', pid: record.owner.pid };
}

/** Claims the record for this process. Throws FILE_OWNED with the pid of a living recorder. */
export function claimRecorderRecord(path: string): ClaimedRecord {
  return new ClaimedRecord(path, { owner: identityToWire(ownIdentity()) }, inspectRecorderRecord);
}
