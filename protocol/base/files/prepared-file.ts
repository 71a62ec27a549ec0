/**
 * Small files that are made complete under a temporary name, to be put in place by whoever asked
 * for them.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { describeError, MirrorflowError, systemCode, type ErrorCode } from '../errors.js';
import { temporaryName } from './temporary-name.js';

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'NO_SPACE',
  EDQUOT: 'NO_SPACE',
  EMFILE: 'LIMIT_REACHED',
  ENFILE: 'LIMIT_REACHED',
  EACCES: 'NOT_PERMITTED',
  EPERM: 'NOT_PERMITTED',
  EROFS: 'NOT_PERMITTED',
};

/**
 * Returns the temporary name. Throws NO_SPACE, LIMIT_REACHED, NOT_PERMITTED or SYSTEM_ERROR;
 * nothing is left behind then.
 */
export function prepareFile(path: string, text: string, mode: number): string {
  const temporary = temporaryName(path);
  try {
    writeFileSync(temporary, text, { mode, flag: 'wx' });
    return temporary;
  } catch (thrown) {
    rmSync(temporary, { force: true });
    throw new MirrorflowError(
      CODES[systemCode(thrown) ?? ''] ?? 'SYSTEM_ERROR',
      `${path} cannot be written: ${describeError(thrown)}`,
      { path },
      thrown,
    );
  }
}
