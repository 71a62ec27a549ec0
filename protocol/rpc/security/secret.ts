/**
 * The shared secret of the hosts of one network: read from a file that only its owner and group may
 * access, never sent and never printed. A program that has the secret has all permissions; it
 * proves the secret as in proof.ts. Reads the secret file.
 */
import { readFileSync, statSync } from 'node:fs';
import { inspect } from 'node:util';
import { describeError, MirrorflowError } from '../../base/errors.js';

/**
 * Length of a secret in bytes. Short secrets are refused: an attacker can record a handshake and
 * try secrets offline.
 */
export const SECRET_BYTES = { min: 16, max: 1_024 } as const;
/** Permission bits of all users other than owner and group. */
const OTHER_USERS = 0o007;

/** Key material that no log, error or inspection prints. */
export class Secret {
  readonly #bytes: Buffer;

  /**
   * Copies the bytes. Throws BAD_OPTION if their number is outside SECRET_BYTES; `description`
   * names the secret in the error.
   */
  constructor(bytes: Uint8Array | string, description = 'the shared secret') {
    this.#bytes = Buffer.from(bytes as string);
    const { length } = this.#bytes;
    if (length >= SECRET_BYTES.min && length <= SECRET_BYTES.max) return;
    throw new MirrorflowError(
      'BAD_OPTION',
      `${description} has ${length} bytes; it must have ${SECRET_BYTES.min} to ${SECRET_BYTES.max}: create one with "openssl rand -hex 32"`,
      { secretBytes: length },
    );
  }

  /** The secret bytes, for an HMAC only: do not keep or print them. */
  get key(): Uint8Array {
    return this.#bytes;
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
 * Reads a secret and removes white space around it. Throws BAD_OPTION if the file cannot be read,
 * is accessible to all users, or contains too few or too many bytes.
 */
export function readSecret(file: string): Secret {
  return new Secret(readPrivateText(file), `the secret in ${file}`);
}

function readPrivateText(file: string): string {
  try {
    const { mode, size } = statSync(file);
    if ((mode & OTHER_USERS) !== 0) {
      throw new Error(
        `all users of this machine may access it (mode ${(mode & 0o777).toString(8)}): run chmod 640 ${file}`,
      );
    }
    if (size > 2 * SECRET_BYTES.max)
      throw new Error(`it has ${size} bytes, more than ${2 * SECRET_BYTES.max}`);
    return readFileSync(file, 'utf8').trim();
  } catch (thrown) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the secret file ${file} cannot be used: ${describeError(thrown)}`,
      { file },
      thrown,
    );
  }
}
