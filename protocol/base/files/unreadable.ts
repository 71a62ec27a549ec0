/**
 * What to do about a file that cannot be read, for the errors of the programs that read files which
 * users name. Pure.
 */
import { describeError, systemCode } from '../errors.js';

/** The error of a file system call, followed by what to do about it where that is known. */
export function describeUnreadable(thrown: unknown): string {
  const remedy = REMEDIES[systemCode(thrown) ?? ''];
  const text = describeError(thrown);
  return remedy === undefined ? text : `${text}; ${remedy}`;
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'create it, or correct its path',
  ENOTDIR: 'correct its path',
  EISDIR: 'name a file',
  EACCES: 'let the user of this process read it, and pass through its directories',
  EPERM: 'let the user of this process read it',
};
