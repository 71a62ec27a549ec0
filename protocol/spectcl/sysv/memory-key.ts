/**
 * Memory keys as SpecTcl's programs write them, which name a display memory: four characters that
 * are the bytes of a 32-bit System V key ("XA7c"), optionally behind `sysv:`; or `file:` and a
 * path. Used by segment.ts, duplicators and the gateway. Pure.
 */
import { MirrorflowError } from '../../base/errors.js';

/** Number of keys on one host: "XA" and two hexadecimal digits. */
export const KEYS_MAX = 256;
const KEY = /^[\x21-\x7e]{4}$/;

export type MemoryKey =
  | { readonly kind: 'sysv'; readonly key: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'posix'; readonly name: string };

/** Parses a server's answer to `shmem/key`; undefined for an unknown form. */
export function parseMemoryKey(text: string): MemoryKey | undefined {
  if (text.startsWith('file:')) return { kind: 'file', path: text.slice(5) };
  if (text.startsWith('posix:')) return { kind: 'posix', name: text.slice(6) };
  const key = text.startsWith('sysv:') ? text.slice(5) : text;
  return KEY.test(key) ? { kind: 'sysv', key } : undefined;
}

/**
 * The number of a System V key of four characters, of which the first is the lowest byte. Throws
 * BAD_OPTION.
 */
export function keyNumber(key: string): number {
  if (KEY.test(key)) return Buffer.from(key, 'latin1').readInt32LE(0);
  throw new MirrorflowError(
    'BAD_OPTION',
    `${JSON.stringify(key.slice(0, 20))} is not a memory key: a key has exactly 4 visible ASCII characters, such as XA7c`,
    { key: key.slice(0, 20) },
  );
}

/**
 * All KEYS_MAX keys, starting with one that depends on `name`, so that an application usually gets
 * the same key again.
 */
export function keysFor(name: string): string[] {
  let hash = 0;
  for (const byte of Buffer.from(name)) hash = (hash * 31 + byte) % KEYS_MAX;
  return Array.from(
    { length: KEYS_MAX },
    (_, step) => `XA${((hash + step) % KEYS_MAX).toString(16).padStart(2, '0')}`,
  );
}
