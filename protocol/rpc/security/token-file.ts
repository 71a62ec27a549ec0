/**
 * The token of a runtime directory, `<directory>/token`: whoever may read it is one of this
 * machine's own, and sends it with XML-RPC over HTTP on loopback, where the kernel does not say who
 * calls. Made once, by the first server; deleting it makes the next start of a server make another.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, linkSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, MirrorflowError, systemCode } from '../../base/errors.js';
import { prepareFile } from '../../base/files/prepared-file.js';

const TOKEN_BYTES = 32;
const TOKEN = new RegExp(`^[0-9a-f]{${2 * TOKEN_BYTES}}$`);
const TOKEN_MODE = 0o640;

export function tokenPath(directory: string): string {
  return join(directory, 'token');
}

/** The token of a directory; undefined when there is none, or none that this process may read. */
export function readToken(directory: string): string | undefined {
  try {
    const text = readFileSync(tokenPath(directory), 'utf8').trim();
    return TOKEN.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The token of a directory that is this process's own; made when it is missing or none. Of several
 * servers that make it at the same time one wins and all return the same. Throws NO_SPACE,
 * NOT_PERMITTED or SYSTEM_ERROR.
 */
export function ensureToken(directory: string): string {
  const path = tokenPath(directory);
  const known = readToken(directory);
  if (known !== undefined) return known;
  const made = prepareFile(path, `${randomBytes(TOKEN_BYTES).toString('hex')}\n`, TOKEN_MODE);
  try {
    giveToGroupOf(directory, made);
    putInPlace(made, path);
  } catch (thrown) {
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `the token ${path} cannot be made: ${describeError(thrown)}`,
      { path },
      thrown,
    );
  } finally {
    rmSync(made, { force: true });
  }
  const token = readToken(directory);
  if (token !== undefined) return token;
  throw new MirrorflowError(
    'SYSTEM_ERROR',
    `${path} cannot be read, or holds no token; remove it and start again`,
    { path },
  );
}

/**
 * The group of the directory decides who may use what is in it, whatever group this process writes
 * files with.
 */
function giveToGroupOf(directory: string, file: string): void {
  const { gid } = statSync(directory);
  const { uid, gid: own } = statSync(file);
  if (gid !== own) chownSync(file, uid, gid);
  chmodSync(file, TOKEN_MODE);
}

/** Never over a token that another server has just made; what is none is replaced. */
function putInPlace(made: string, path: string): void {
  try {
    linkSync(made, path);
  } catch (thrown) {
    if (systemCode(thrown) !== 'EEXIST') throw thrown;
    if (TOKEN.test(readFileSync(path, 'utf8').trim())) return;
    renameSync(made, path);
  }
}
