/**
 * The shared secret of the hosts of one network: read from a file that only its owner and group may
 * access, never sent and never printed. A program that has the secret has all permissions; it
 * proves the secret as in proof.ts. While a secret is exchanged for another, the file has two, one
 * on each line: the first is proved, both are accepted. Running programs notice a changed file at
 * their next handshake. Reads the secret file.
 */
import { readFileSync, statSync } from 'node:fs';
import { inspect } from 'node:util';
import { MirrorflowError } from '../../base/errors.js';
import { describeUnreadable } from '../../base/files/unreadable.js';

/**
 * Length of a secret in bytes. Short secrets are refused: an attacker can record a handshake and
 * try secrets offline.
 */
export const SECRET_BYTES = { min: 16, max: 1_024 } as const;
/** Permission bits of all users other than owner and group. */
const OTHER_USERS = 0o007;
/** Two secrets with white space around them. */
const FILE_BYTES_MAX = 4 * SECRET_BYTES.max;

/** Secrets that are accepted at once: the present one and its predecessor. */
export const SECRETS_MAX = 2;

/** Key material that no log, error or inspection prints. */
export class Secret {
  readonly #keys: () => readonly Uint8Array[];

  /**
   * Copies the bytes. Throws BAD_OPTION if their number is outside SECRET_BYTES; `description`
   * names the secret in the error. A function returns the accepted secrets at every use.
   */
  constructor(bytes: Uint8Array | string | (() => readonly Uint8Array[]), description = 'the shared secret') {
    if (typeof bytes === 'function') {
      this.#keys = bytes;
      return;
    }
    const keys = [checkedKey(Buffer.from(bytes as string), description)];
    this.#keys = () => keys;
  }

  /** The bytes of the secret that this host proves, for an HMAC only: do not keep or print them. */
  get key(): Uint8Array {
    return this.accepted[0] ?? new Uint8Array(0);
  }

  /** The bytes of all secrets that this host accepts, `key` first; the same rules. */
  get accepted(): readonly Uint8Array[] {
    return this.#keys();
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

/**
 * Reads the secrets of a file, one or two lines without the white space around them; the result
 * follows later changes of the file, and keeps the last good contents while the file cannot be
 * used. Throws BAD_OPTION if the file cannot be read, is accessible to all users, or contains too
 * few or too many bytes or lines.
 */
export function readSecret(file: string): Secret {
  let keys = readKeys(file);
  let state = stateOf(file);
  return new Secret(() => {
    const now = stateOf(file);
    if (now === undefined || now === state) return keys;
    state = now;
    try {
      keys = readKeys(file);
    } catch {
      // A file that is being replaced, or damaged, must not end a host that runs.
    }
    return keys;
  });
}

/** The accepted secrets of a text, the present one first. Throws BAD_OPTION. */
export function secretsOf(text: string, description: string): readonly Uint8Array[] {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length > SECRETS_MAX) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `${description} has ${lines.length} lines; it must have 1, or ${SECRETS_MAX} while a secret is exchanged`,
    );
  }
  return (lines.length === 0 ? [''] : lines).map((line) => checkedKey(Buffer.from(line), description));
}

function readKeys(file: string): readonly Uint8Array[] {
  return secretsOf(readPrivateText(file), `the secret in ${file}`);
}

/** Changes whenever the file does; undefined while there is none. */
function stateOf(file: string): string | undefined {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? undefined : `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
}

function checkedKey(bytes: Buffer, description: string): Buffer {
  const { length } = bytes;
  if (length >= SECRET_BYTES.min && length <= SECRET_BYTES.max) return bytes;
  throw new MirrorflowError(
    'BAD_OPTION',
    `${description} has ${length} bytes; it must have ${SECRET_BYTES.min} to ${SECRET_BYTES.max}: create one with "openssl rand -hex 32"`,
    { secretBytes: length },
  );
}

function readPrivateText(file: string): string {
  try {
    const { mode, size } = statSync(file);
    if ((mode & OTHER_USERS) !== 0) {
      throw new Error(
        `all users of this machine may access it (mode ${(mode & 0o777).toString(8)}): run chmod 640 ${file}`,
      );
    }
    if (size > FILE_BYTES_MAX) throw new Error(`it has ${size} bytes, more than ${FILE_BYTES_MAX}`);
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the secret file ${file} cannot be used: ${describeUnreadable(thrown)}`,
      { file },
      thrown,
    );
  }
}
