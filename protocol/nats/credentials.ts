/**
 * How this site identifies itself to a NATS server: the file of credentials, readable by owner and
 * group only. One of: a `.creds` file of `nsc`; the seed of an NKey alone; or lines `user: NAME`
 * and `password: …`, `token: …`, or `nkey: SEED`. Called by `connection.ts` before each connection,
 * so that a replaced file is used. Reads the file.
 */
import { readFileSync, statSync } from 'node:fs';
import { MirrorflowError } from '../base/errors.js';
import { describeUnreadable } from '../base/files/unreadable.js';

export type NatsCredentials =
  | { readonly kind: 'user'; readonly user: string; readonly password: string }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'nkey'; readonly seed: string }
  | { readonly kind: 'creds'; readonly text: string };

const FILE_BYTES_MAX = 64 * 1024;
/** Permission bits of all users other than owner and group. */
const OTHER_USERS = 0o007;
const SEED = /^SU[A-Z2-7]{56}$/;
const CREDS_MARK = '-----BEGIN NATS USER JWT-----';
const FORMS =
  'a .creds file, the seed of an NKey (SU…), or lines "user: NAME" and "password: …", "token: …" or "nkey: SU…"';

/**
 * Throws BAD_OPTION when the file cannot be read, is open to all users, or has none of the forms.
 */
export function readNatsCredentials(file: string): NatsCredentials {
  try {
    const { mode, size } = statSync(file);
    if ((mode & OTHER_USERS) !== 0) {
      throw new Error(
        `all users of this machine may access it (mode ${(mode & 0o777).toString(8)}): run chmod 640 ${file}`,
      );
    }
    if (size > FILE_BYTES_MAX) throw new Error(`it has ${size} bytes, more than ${FILE_BYTES_MAX}`);
    return parseNatsCredentials(readFileSync(file, 'utf8'));
  } catch (thrown) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the NATS credentials ${file} cannot be used: ${describeUnreadable(thrown)}`,
      { file },
      thrown,
    );
  }
}

/** Throws BAD_OPTION; no error contains a part of a secret. */
export function parseNatsCredentials(text: string): NatsCredentials {
  if (text.includes(CREDS_MARK)) return { kind: 'creds', text };
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const [only = ''] = lines;
  if (lines.length === 1 && SEED.test(only)) return { kind: 'nkey', seed: only };
  const members = new Map<string, string>();
  for (const line of lines) {
    const [, key, value] = /^(user|password|token|nkey):\s*(\S.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined || members.has(key)) throw badForm();
    members.set(key, value);
  }
  const [user, password] = [members.get('user'), members.get('password')];
  const [token, seed] = [members.get('token'), members.get('nkey')];
  if (members.size === 2 && user !== undefined && password !== undefined)
    return { kind: 'user', user, password };
  if (members.size === 1 && token !== undefined) return { kind: 'token', token };
  if (members.size === 1 && seed !== undefined && SEED.test(seed)) return { kind: 'nkey', seed };
  throw badForm();
}

function badForm(): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', `it has none of the known forms: use ${FORMS}`);
}
