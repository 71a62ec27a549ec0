/**
 * The systemd units of a host server on this machine, and the options that they give. The checks of
 * `mirrorflow doctor` use it. Reads the units; the syntax is that of systemd.service(5), as far as
 * `mirrorflow install` and the Debian package write it.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Environment } from '../../protocol/base/paths.js';

export interface UnitService {
  readonly options: readonly string[];
  /** The account that it runs as; undefined for that of the user. */
  readonly user: string | undefined;
  readonly env: Environment;
}

/** The paths that exist. */
export function unitFiles(env: Environment): readonly string[] {
  const home = env['XDG_CONFIG_HOME'] ?? `${env['HOME'] ?? '/nowhere'}/.config`;
  return [
    '/etc/systemd/system/mirrorflow.service',
    // The unit of the Debian package.
    '/usr/lib/systemd/system/mirrorflow.service',
    `${home}/systemd/user/mirrorflow.service`,
  ].filter((path) => existsSync(path));
}

/** Undefined for a unit that cannot be read or starts nothing. */
export function unitService(path: string): UnitService | undefined {
  try {
    return parseUnit(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

export function parseUnit(text: string): UnitService | undefined {
  const values = (name: string): string[] =>
    text.split('\n').flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []));
  const command = values('ExecStart').at(-1);
  if (command === undefined) return undefined;
  const words = wordsOf(command).map((word) => word.replaceAll('$$', '$'));
  const start = words.findIndex((word) => word.startsWith('--'));
  const env = values('Environment')
    .flatMap((line) => wordsOf(line))
    .map((word): [string, string] => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]);
  return {
    options: start === -1 ? [] : words.slice(start),
    user: values('User').at(-1),
    env: Object.fromEntries(env),
  };
}

/** Words, some of them quoted, with `\` before a quote or another `\`, and `%%` for `%`. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, bare = '']) =>
    (quoted?.replaceAll(/\\(.)/g, '$1') ?? bare).replaceAll('%%', '%'),
  );
}
