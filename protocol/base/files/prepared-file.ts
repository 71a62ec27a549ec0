/**
 * Writes small files completely under a temporary name; the caller then links or renames them into
 * place. Used for tokens and for the records of claims. Writes to the directory of the path.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { describeError, MirrorflowError, systemCode, type ErrorCode } from '../errors.js';
import { temporaryName } from './temporary-name.js';

const ERROR_CODE_OF: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'NO_SPACE',
  EDQUOT: 'NO_SPACE',
  EMFILE: 'LIMIT_REACHED',
  ENFILE: 'LIMIT_REACHED',
  EACCES: 'NOT_PERMITTED',
  EPERM: 'NOT_PERMITTED',
  EROFS: 'NOT_PERMITTED',
};

/**
 * Writes `text` to a new file in the directory of `path` and returns its temporary name. Throws
 * NO_SPACE, LIMIT_REACHED, NOT_PERMITTED or SYSTEM_ERROR; no file remains after a failure.
 */
export function prepareFile(path: string, text: string, mode: number): string {
  const temporary = temporaryName(path);
  try {
    writeFileSync(temporary, text, { mode, flag: 'wx' });
    return temporary;
  } catch (thrown) {
    rmSync(temporary, { force: true });
    throw new MirrorflowError(
      ERROR_CODE_OF[systemCode(thrown) ?? ''] ?? 'SYSTEM_ERROR',
      `${path} cannot be written: ${describeError(thrown)}`,
      { path },
      thrown,
    );
  }
}
