/**
 * The token files of a server, one per right: `host.read.token`, `apps/<app>.control.token` and so
 * on. On a loopback connection Linux does not identify the caller, so a caller over HTTP sends the
 * token of the greatest right whose file it may read; a child process proves the one for children.
 * The server creates them and keeps those that it finds. Reads and writes these files.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { describeError, MirrorflowError } from '../../base/errors.js';
import type { TokenPath } from '../../base/paths.js';
import { prepareFile } from '../../base/files/prepared-file.js';

const TOKEN_BYTES = 32;
const TOKEN = new RegExp(`^[0-9a-f]{${2 * TOKEN_BYTES}}$`);
/** Until `grant` has opened it to others. */
const CLOSED_MODE = 0o600;

/** The token in a file; undefined if there is none, or none that this process may read. */
export function readToken(path: TokenPath): string | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return TOKEN.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The token in a file of this process alone; creates it if the file is missing or contains no
 * token. `grant` gives the file its mode, group and access list, before it gets its name when it is
 * new. Throws NO_SPACE, NOT_PERMITTED or SYSTEM_ERROR.
 */
export function ensureToken(path: TokenPath, grant: (path: string, inherited: boolean) => void): string {
  const existing = readToken(path);
  if (existing !== undefined) {
    grant(path, true);
    return existing;
  }
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const prepared = prepareFile(path, `${token}\n`, CLOSED_MODE);
  try {
    grant(prepared, false);
    renameSync(prepared, path);
  } catch (thrown) {
    if (thrown instanceof MirrorflowError) throw thrown;
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `the token ${path} cannot be created: ${describeError(thrown)}`,
      { path },
      thrown,
    );
  } finally {
    rmSync(prepared, { force: true });
  }
  return token;
}
