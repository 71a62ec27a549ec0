/**
 * Where log lines go when nobody says otherwise: standard error. A full disk behind it must not end
 * a process that runs, so that lines which cannot be written are counted, and the count is told
 * with the next one that can.
 */
import { fstatSync, writeSync } from 'node:fs';

const STDERR = 2;

let toFile: boolean | undefined;
let lost = 0;

export function standardError(line: string): void {
  toFile ??= isFile();
  if (!toFile) {
    process.stderr.write(line);
    return;
  }
  // Synchronous, as the stream is for files; the stream would give up for ever at the first line
  // that does not fit.
  try {
    const before = lost === 0 ? '' : `(${lost} lines were lost: they could not be written)\n`;
    writeSync(STDERR, before + line);
    lost = 0;
  } catch {
    lost += 1;
  }
}

function isFile(): boolean {
  // A pipe that nobody reads any more must not end the process either.
  process.stderr.on('error', () => undefined);
  try {
    return fstatSync(STDERR).isFile();
  } catch {
    return false;
  }
}
