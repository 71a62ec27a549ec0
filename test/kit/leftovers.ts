/**
 * Finds what a stopped system has left behind below its directories: sockets, records, flow files,
 * images, and processes that were started with these directories. Reads directories and /proc.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Logs, the lock file of claims and the host server's tokens outlive all servers. */
const PERMANENT = /\.log$|\/\.claims$|\/host\.(?:read|control|child)\.token$/;

/** Paths of files, and one line for each process; empty when everything was cleaned up. */
export function leftovers(directories: readonly string[]): string[] {
  const files = directories.flatMap(filesBelow).filter((path) => !PERMANENT.test(path));
  // A process may name several of the directories.
  const processes = new Set(directories.flatMap(processesNaming).map(({ line }) => line));
  return [...files, ...processes];
}

/** Paths of all files and sockets, at any depth. */
export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}

export interface ProcessOfDirectory {
  readonly pid: number;
  /** Process id and command, for messages. */
  readonly line: string;
}

/** Other processes of this machine whose command line or environment contains the directory. */
export function processesNaming(directory: string): ProcessOfDirectory[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        // A zombie, which has ended and was not reaped yet, has no program.
        readlinkSync(`/proc/${pid}/exe`);
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        if (!command.includes(directory) && !environment.includes(directory)) return [];
        return [{ pid: Number(pid), line: `process ${pid}: ${command}` }];
      } catch {
        return []; // ended meanwhile, or of another user
      }
    });
}
