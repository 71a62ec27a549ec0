/**
 * What a system has left behind: flow files, images and sockets that still stand, and processes
 * that still name its directories.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * With `suffix` only the files that end so; without, everything but logs, the lock of claims and
 * the token, and processes.
 */
export function leftovers(directories: readonly string[], suffix?: string): string[] {
  const files = directories.flatMap((root) =>
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  if (suffix !== undefined) return files.filter((path) => path.endsWith(suffix));
  const kept = files.filter((path) => !/\.log$|\/\.claims$|\/token$/.test(path));
  return [...kept, ...directories.flatMap(processesNaming)];
}

function processesNaming(directory: string): string[] {
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
