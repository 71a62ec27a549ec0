/**
 * Exchanges the shared secret in its file without a gap: first the file gets the new secret in
 * front of the old one, of which hosts accept both, then, when all hosts have it, the new one
 * alone. Used by `mirrorflow secret`. Replaces the file at once, with its mode and owner.
 */
import { chmodSync, chownSync, renameSync, rmSync, statSync } from 'node:fs';
import { describeError, MirrorflowError } from '../../base/errors.js';
import { prepareFile } from '../../base/files/prepared-file.js';
import { readSecret } from './secret.js';

/**
 * Puts the secret of `newFile` in front of the one in `file`. Throws BAD_OPTION for a file that
 * cannot be used, that has two secrets already, or for the same secret.
 */
export function beginExchange(file: string, newFile: string): void {
  const present = readSecret(file).accepted;
  const [fresh, ...more] = readSecret(newFile).accepted;
  const [old] = present;
  if (fresh === undefined || old === undefined || more.length > 0)
    throw refusal(`${newFile} must have one secret`, newFile);
  if (Buffer.from(present[0] ?? []).equals(fresh))
    throw refusal(`${file} begins with the secret of ${newFile} already`, file);
  if (present.length > 1)
    throw refusal(`${file} has two secrets: finish the exchange before it with --finish first`, file);
  replaceFile(file, [fresh, old]);
}

/** Removes the old secret. Throws BAD_OPTION when there is none. */
export function finishExchange(file: string): void {
  const [present, old] = readSecret(file).accepted;
  if (present === undefined || old === undefined)
    throw refusal(`${file} has one secret: no exchange has begun`, file);
  replaceFile(file, [present]);
}

function replaceFile(file: string, secrets: readonly Uint8Array[]): void {
  const { mode, uid, gid } = statSync(file);
  const lines = secrets.map((secret) => `${Buffer.from(secret).toString()}\n`);
  const prepared = prepareFile(file, lines.join(''), 0o600);
  try {
    chownSync(prepared, uid, gid);
    chmodSync(prepared, mode & 0o777);
    renameSync(prepared, file);
  } catch (thrown) {
    rmSync(prepared, { force: true });
    const message = `${file} cannot be replaced: ${describeError(thrown)}; run the command as its owner`;
    throw new MirrorflowError('NOT_PERMITTED', message, { file }, thrown);
  }
}

function refusal(message: string, file: string): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', message, { file });
}
