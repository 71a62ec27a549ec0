/**
 * Who owns a record file, by the identity in it: those of host servers and app servers have it at
 * the top, a gateway's under `owner`.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { identityFromWire } from '../../rpc/contract/identity-on-wire.js';
import { processIdentity } from '../../rpc/contract/shapes.js';
import { isAlive, ownIdentity, type OwnerIdentity } from '../../base/owner-identity.js';
import type { Place } from '../../rpc/xml-rpc/schema.js';

const BYTES_MAX = 64 * 1024;

export interface RecordOwner extends OwnerIdentity {
  readonly alive: boolean;
  /** Whether it lived, or lives, since the last boot. */
  readonly ofThisBoot: boolean;
}

/**
 * Undefined when there is no record, or what is there names nobody: then nothing is known of it.
 */
export function ownerOfRecord(path: string): RecordOwner | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = fstatSync(fd);
      if (!found.isFile() || found.size > BYTES_MAX) return undefined;
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
