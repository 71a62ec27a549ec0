/** Names for files that are made complete beside the place they are put in later. `mirrorflow clean` knows the pattern. */
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';

export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`);
}
