/**
 * The texts of the files with secrets of this host, so that they can be removed from what a user
 * sends to others: tokens of the servers, the shared secret, and the files that a configuration
 * names. Read by `bundle.ts`. A file that this user cannot read is left out: neither can the bundle
 * have copied from it.
 */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const FILE_BYTES_MAX = 64 * 1024;
const FILES_MAX = 10_000;

export function secretTexts(directories: readonly string[], named: readonly string[]): string[] {
  const tokens = directories.flatMap(tokenFiles);
  return [...tokens, ...named].flatMap((path) => textOf(path) ?? []);
}

/** Absolute paths of a configuration, with those that name certificates, which are no secret. */
export function namedFiles(value: unknown): string[] {
  if (typeof value === 'string') return value.startsWith('/') ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]: [string, unknown]) =>
    typeof member === 'string' && !/secret|token|key|credential/i.test(key) ? [] : namedFiles(member),
  );
}

function tokenFiles(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.token'))
      .slice(0, FILES_MAX)
      .map((name) => join(directory, name));
  } catch {
    return [];
  }
}

function textOf(path: string): string | undefined {
  try {
    return statSync(path).size > FILE_BYTES_MAX ? undefined : readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
