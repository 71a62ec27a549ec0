/**
 * The default destination of log lines: standard error. A full disk or a closed pipe there must not
 * end the process: lines that cannot be written are counted, and the count is written before the
 * next line that can be. A log file that grows too large is rotated. Used by the Logger in
 * `log.ts`. Writes to file descriptor 2.
 */
import { fstatSync, writeSync } from 'node:fs';
import { LOG_FILE_VARIABLE, rotateOpenLog } from './log-rotation.js';

const STDERR = 2;
/** Bytes after which the size of the file is read again. */
const CHECK_AFTER_BYTES = 64 * 1024;

let isRegularFile: boolean | undefined;
let lostLines = 0;
let uncheckedBytes = CHECK_AFTER_BYTES;

export function writeToStandardError(line: string): void {
  isRegularFile ??= prepareStandardError();
  if (!isRegularFile) {
    process.stderr.write(line);
    return;
  }
  // Synchronous, as the stream is for files; but the stream stops working for good after the first
  // write that fails.
  try {
    const before = lostLines === 0 ? '' : `(${lostLines} lines were lost: they could not be written)\n`;
    uncheckedBytes += writeSync(STDERR, before + line);
    lostLines = 0;
    if (uncheckedBytes < CHECK_AFTER_BYTES) return;
    uncheckedBytes = 0;
    const path = process.env[LOG_FILE_VARIABLE];
    if (path !== undefined) rotateOpenLog(STDERR, path);
  } catch {
    lostLines += 1;
  }
}

/** Returns whether standard error is a regular file. */
function prepareStandardError(): boolean {
  // Without a listener, an error of a pipe whose reader has exited would end the process.
  process.stderr.on('error', () => undefined);
  try {
    return fstatSync(STDERR).isFile();
  } catch {
    return false;
  }
}
