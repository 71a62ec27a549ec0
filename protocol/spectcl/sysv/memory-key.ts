/**
 * Memory keys as SpecTcl's programs write them: four characters that are taken as the bytes of a
 * 32-bit System V key ("XA7c"), with `sysv:` before them, or `file:` and a path. Pure.
 */
import { MirrorflowError } from '../../base/errors.js';

/** Keys that one host has room for: "XA" and two hexadecimal digits. */
export const KEYS_MAX = 256;
const KEY = /^[\x21-\x7e]{4}$/;

export type MemoryKey =
  | { readonly kind: 'sysv'; readonly key: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'posix'; readonly name: string };

/** What a server answered to `shmem/key`; undefined for what is none of the known forms. */
export function parseMemoryKey(text: string): MemoryKey | undefined {
  if (text.startsWith('file:')) return { kind: 'file', path: text.slice(5) };
  if (text.startsWith('posix:')) return { kind: 'posix', name: text.slice(6) };
  const key = text.startsWith('sysv:') ? text.slice(5) : text;
  return KEY.test(key) ? { kind: 'sysv', key } : undefined;
}

/** The System V key of four characters: the first is the lowest byte. Throws BAD_OPTION. */
export function keyNumber(key: string): number {
  if (KEY.test(key)) return Buffer.from(key, 'latin1').readInt32LE(0);
  throw new MirrorflowError(
    'BAD_OPTION',
    `${JSON.stringify(key.slice(0, 20))} is no memory key; one has exactly 4 visible ASCII characters, such as XA7c`,
    { key: key.slice(0, 20) },
  );
}

/**
 * Every key of SpecTcl's kind, beginning with one that a name decides, so that an application tends
 * to keep its own.
 */
export function keysFor(name: string): string[] {
  let hash = 0;
  for (const byte of Buffer.from(name)) hash = (hash * 31 + byte) % KEYS_MAX;
  return Array.from(
    { length: KEYS_MAX },
    (_, step) => `XA${((hash + step) % KEYS_MAX).toString(16).padStart(2, '0')}`,
  );
}
