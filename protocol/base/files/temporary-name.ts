/**
 * Names for files that are made complete beside the place they are put in later: `.<name>.<process
 * id>.<its start time>.<12 random digits>.tmp`. The clean-up knows the pattern, and that a process
 * id alone would protect garbage as soon as it is given to somebody else.
 */
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { ownIdentity, type OwnerIdentity } from '../owner-identity.js';

const PATTERN = /^\..+\.(\d{1,10})\.(\d{1,20})\.[0-9a-f]{12}\.tmp$/;

export function temporaryName(path: string): string {
  const { pid, startTicks } = ownIdentity();
  const random = randomBytes(6).toString('hex');
  return join(dirname(path), `.${basename(path)}.${pid}.${startTicks}.${random}.tmp`);
}

/** Whose temporary file this is; undefined for a name that is none. */
export function ownerOfTemporary(name: string): OwnerIdentity | undefined {
  const [, pid, startTicks] = PATTERN.exec(name) ?? [];
  if (pid === undefined || startTicks === undefined) return undefined;
  return { pid: Number(pid), startTicks: BigInt(startTicks) };
}
