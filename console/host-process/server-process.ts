/**
 * How a host server that runs was started: its options, directory and user, as the kernel shows
 * them.
 *
 * `mirrorflow doctor` and its bundle use it. Reads /proc.
 */
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Environment } from '../../protocol/base/paths.js';

export interface ServerProcess {
  /** The options behind the program. */
  readonly options: readonly string[];
  /** An absolute path; through /proc where this user may not see it. */
  readonly workingDirectory: string;
  readonly uid: number;
  /** Its environment; undefined where this user may not see it. */
  readonly env: Environment | undefined;
}

/** Throws what the file system throws when the process has ended. */
export function serverProcess(pid: number): ServerProcess {
  const folder = `/proc/${pid}`;
  const words = readFileSync(join(folder, 'cmdline'), 'utf8').split('\0');
  const start = words.findIndex((word) => word.startsWith('--'));
  return {
    options: start === -1 ? [] : words.slice(start, -1),
    workingDirectory: attempt(() => readlinkSync(join(folder, 'cwd'))) ?? join(folder, 'cwd'),
    uid: statSync(folder).uid,
    env: environmentOf(folder),
  };
}

/** The configuration file that these options name, an absolute path. */
export function configurationFile({
  options,
  workingDirectory,
}: Pick<ServerProcess, 'options' | 'workingDirectory'>): string | undefined {
  const inOneWord = options.findLast((word) => word.startsWith('--config='))?.slice('--config='.length);
  const isStated = options.includes('--config');
  const file = isStated ? options[options.lastIndexOf('--config') + 1] : inOneWord;
  return file === undefined ? undefined : resolve(workingDirectory, file);
}

function environmentOf(folder: string): Environment | undefined {
  const text = attempt(() => readFileSync(join(folder, 'environ'), 'utf8'));
  if (text === undefined) return undefined;
  return Object.fromEntries(
    text.split('\0').flatMap((line): [string, string][] => {
      const end = line.indexOf('=');
      return end === -1 ? [] : [[line.slice(0, end), line.slice(end + 1)]];
    }),
  );
}

/** Undefined for what this user may not read. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
