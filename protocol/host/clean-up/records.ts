/**
 * The owner of a record file by the identity in it: at the top in the records of host servers and
 * app servers, under `owner` in a gateway's. Used by the clean-up. Reads files.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { identityFromWire } from '../../rpc/contract/identity-on-wire.js';
import { processIdentity } from '../../rpc/contract/process-identity.js';
import { isAlive, ownIdentity, type OwnerIdentity } from '../../base/owner-identity.js';
import type { Place } from '../../rpc/xml-rpc/schema.js';

const BYTES_MAX = 64 * 1024;

export interface RecordOwner extends OwnerIdentity {
  readonly alive: boolean;
  /** Whether it lived, or lives, since the last boot. */
  readonly ofThisBoot: boolean;
}

/** Undefined without a record, and for a file that names no owner. */
export function ownerOfRecord(path: string): RecordOwner | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const file = fstatSync(fd);
      if (!file.isFile() || file.size > BYTES_MAX) return undefined;
      const content = JSON.parse(readFileSync(fd, 'utf8')) as { owner?: unknown };
      const place: Place = { method: 'record', root: 'owner', path: [], unknownMembers: 'drop' };
      const identity = identityFromWire(processIdentity.check(content.owner ?? content, place));
      const ofThisBoot = (identity.bootId ?? '') === (ownIdentity().bootId ?? '');
      return { ...identity, alive: isAlive(identity), ofThisBoot };
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
