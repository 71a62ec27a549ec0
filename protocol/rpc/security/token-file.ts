/**
 * The token of a runtime directory, the file `<directory>/token`. A user who may read it may call
 * the servers of the directory by XML-RPC over HTTP: on a loopback connection Linux does not
 * identify the caller, so the caller sends the token. The first server creates the file; after its
 * deletion the next server that starts creates another. Reads and writes this file.
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

/** The token of a directory; undefined if there is none, or none that this process may read. */
export function readToken(directory: string): string | undefined {
  try {
    const text = readFileSync(tokenPath(directory), 'utf8').trim();
    return TOKEN.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The token of a directory that belongs to this user; creates it if the file is missing or contains
 * no token. Servers that start at the same time all return the same token. Throws NO_SPACE,
 * NOT_PERMITTED or SYSTEM_ERROR.
 */
export function ensureToken(directory: string): string {
  const path = tokenPath(directory);
  const existing = readToken(directory);
  if (existing !== undefined) return existing;
  const prepared = prepareFile(path, `${randomBytes(TOKEN_BYTES).toString('hex')}\n`, TOKEN_MODE);
  try {
    giveToGroupOf(directory, prepared);
    putInPlace(prepared, path);
  } catch (thrown) {
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `the token ${path} cannot be created: ${describeError(thrown)}`,
      { path },
      thrown,
    );
  } finally {
    rmSync(prepared, { force: true });
  }
  const token = readToken(directory);
  if (token !== undefined) return token;
  throw new MirrorflowError(
    'SYSTEM_ERROR',
    `${path} cannot be read, or contains no token; remove the file and start again`,
    { path },
  );
}

/** The group of the directory decides who may use its files; new files have the process's group. */
function giveToGroupOf(directory: string, file: string): void {
  const { gid } = statSync(directory);
  const { uid, gid: fileGid } = statSync(file);
  if (gid !== fileGid) chownSync(file, uid, gid);
  chmodSync(file, TOKEN_MODE);
}

/** Keeps a token that another server has created in the meantime; replaces any other file. */
function putInPlace(prepared: string, path: string): void {
  try {
    linkSync(prepared, path);
  } catch (thrown) {
    if (systemCode(thrown) !== 'EEXIST') throw thrown;
    if (TOKEN.test(readFileSync(path, 'utf8').trim())) return;
    renameSync(prepared, path);
  }
}
