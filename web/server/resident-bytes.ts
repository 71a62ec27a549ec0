/**
 * Memory of processes as the kernel counts it: proc(5), /proc/pid/statm, second field, in pages.
 */
import { readFileSync } from 'node:fs';

/** Pages of 4 KiB on every machine in use. */
const PAGE_BYTES = 4_096;

/** What could not be read is left out. */
export function residentBytes(pids: readonly (number | undefined)[]): Map<number, number> {
  const found = new Map<number, number>();
  for (const pid of pids) {
    if (pid === undefined) continue;
    try {
      const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
      if (Number.isFinite(pages)) found.set(pid, pages * PAGE_BYTES);
    } catch {
      // It has ended meanwhile, or is of another user.
    }
  }
  return found;
}
