/**
 * Keeps log files below a size: what is in a file that has grown beyond it moves to `FILE.1`, which
 * replaces an earlier one. The file itself stays, since processes have it open for appending. A
 * process rotates its own log while it writes, its parent rotates it before each start. Copies and
 * truncates files.
 */
import { copyFileSync, fstatSync, ftruncateSync, statSync, truncateSync } from 'node:fs';

/** Size above which a log is rotated: with its predecessor it takes twice as much. */
export const LOG_BYTES_MAX = 4 * 1024 * 1024;
/** The environment variable that names the log of a process to it. */
export const LOG_FILE_VARIABLE = 'MIRRORFLOW_LOG_FILE';

/** Rotates the file at `path` if it is too large. Never throws: a log is no reason to stop. */
export function rotateLog(path: string, maxBytes = LOG_BYTES_MAX): void {
  try {
    if (statSync(path).size <= maxBytes) return;
    keepCopy(path);
    truncateSync(path);
  } catch {
    // No such file, or another user's.
  }
}

/**
 * Rotates the log that this process has open as `fd`, if it is too large and is the file at `path`:
 * what a user has redirected elsewhere is not touched. Returns whether it was rotated.
 */
export function rotateOpenLog(fd: number, path: string, maxBytes = LOG_BYTES_MAX): boolean {
  try {
    const open = fstatSync(fd);
    if (open.size <= maxBytes) return false;
    const file = statSync(path);
    if (file.ino !== open.ino || file.dev !== open.dev) return false;
    keepCopy(path);
    ftruncateSync(fd);
    return true;
  } catch {
    return false;
  }
}

/** Copies the log. The copy is lost on a full disk, but the log must not grow any further. */
function keepCopy(path: string): void {
  try {
    copyFileSync(path, `${path}.1`);
  } catch {
    // No space, or the directory is not writable.
  }
}
