/**
 * The shared secret of the hosts that work together: read from a file that only its owner and group
 * may read, and never shown. Whoever has it may do everything; it proves itself by challenge (see
 * proof.ts) and never travels.
 */
import { readFileSync, statSync } from 'node:fs';
import { inspect } from 'node:util';
import { describeError, MirrorflowError } from '../../base/errors.js';

/**
 * Bytes of a secret. Who records a handshake can try secrets at leisure, so short ones are refused.
 */
export const SECRET_BYTES = { min: 16, max: 1_024 } as const;
/** Permission bits that let others than owner and group at a file. */
const OTHERS_MAY = 0o007;

/** Key material that no log, error or inspection prints. */
export class Secret {
  readonly #bytes: Buffer;

  /** Throws BAD_OPTION unless it has SECRET_BYTES. Copies what it is given. */
  constructor(bytes: Uint8Array | string, whence = 'the shared secret') {
    this.#bytes = Buffer.from(bytes as string);
    const { length } = this.#bytes;
    if (length >= SECRET_BYTES.min && length <= SECRET_BYTES.max) return;
    throw new MirrorflowError(
      'BAD_OPTION',
      `${whence} has ${length} bytes; it must have ${SECRET_BYTES.min} to ${SECRET_BYTES.max}: make one with "openssl rand -hex 32"`,
      { secretBytes: length },
    );
  }

  /** The key itself, for an HMAC: not to be kept or shown. */
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
 * Reads a secret; white space around it does not count. Throws BAD_OPTION when the file cannot be
 * read, is no plain file, may be read or changed by everybody, or holds too few or too many bytes.
 */
export function readSecret(file: string): Secret {
  return new Secret(readPrivateText(file), `the secret in ${file}`);
}

function readPrivateText(file: string): string {
  try {
    const { mode, size } = statSync(file);
    if ((mode & OTHERS_MAY) !== 0) {
      throw new Error(
        `everybody on this machine may use it (mode ${(mode & 0o777).toString(8)}): chmod 640 ${file}`,
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
