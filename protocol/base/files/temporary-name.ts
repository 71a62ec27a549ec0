/**
 * Temporary names of files that are completed before they are linked or renamed into place:
 * `.<name>.<process id>.<start time of the process>.<12 hexadecimal digits>.tmp`. The clean-up
 * removes such files of dead processes; the start time keeps a reused process id from protecting
 * them. Used by claims, prepared files and the clean-up. Pure.
 */
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { ownIdentity, type OwnerIdentity } from '../owner-identity.js';

const PATTERN = /^\..+\.(\d{1,10})\.(\d{1,20})\.[0-9a-f]{12}\.tmp$/;

/** A unique temporary path in the directory of `path`. */
export function temporaryName(path: string): string {
  const { pid, startTicks } = ownIdentity();
  const random = randomBytes(6).toString('hex');
  return join(dirname(path), `.${basename(path)}.${pid}.${startTicks}.${random}.tmp`);
}

/** The process that created a temporary file; undefined for any other file name. */
export function ownerOfTemporary(name: string): OwnerIdentity | undefined {
  const [, pid, startTicks] = PATTERN.exec(name) ?? [];
  if (pid === undefined || startTicks === undefined) return undefined;
  return { pid: Number(pid), startTicks: BigInt(startTicks) };
}
