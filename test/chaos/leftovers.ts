/**
 * What a stopped system has left behind: flow files, images and sockets that still exist, and
 * processes whose command line still names its directories. `ChaosSystem.stop` reports them. Reads
 * the directories and /proc.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Paths of files and descriptions of processes. With `suffix`, only the files whose name ends with
 * it. Without, all processes and all files except those that a system keeps on purpose: logs, the
 * lock file of claims, and the token.
 */
export function leftovers(directories: readonly string[], suffix?: string): string[] {
  const files = directories.flatMap((root) =>
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  if (suffix !== undefined) return files.filter((path) => path.endsWith(suffix));
  const kept = files.filter((path) => !/\.log$|\/\.claims$|\/token$/.test(path));
  return [...kept, ...directories.flatMap(processesThatName)];
}

function processesThatName(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(directory) ? [`process ${pid}: ${command}`] : [];
      } catch {
        return [];
      }
    });
}
