/**
 * What a spare process (spare-process.ts) gets from its parent when it is needed: the arguments,
 * the launch token and the log of a child. The program's side: its main module calls it first.
 * Blocks the process in a read of standard input, then takes the place of a child that was started
 * with these arguments: changes arguments, environment, title and standard streams of this process.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { LAUNCH_VARIABLE } from './child.js';
import { LOG_FILE_VARIABLE } from '../../base/log-rotation.js';

/** The first argument of a spare process. */
export const SPARE_ARGUMENT = '--spare';
const ASSIGNMENT_BYTES_MAX = 1024 * 1024;

export interface Assignment {
  readonly args: readonly string[];
  /** Returned with the child's ready message. */
  readonly launch: string;
  /** For its standard output and error. */
  readonly logFile: string;
}

/** Whether this process was started as a spare one. */
export function isSpare(): boolean {
  return process.argv[2] === SPARE_ARGUMENT;
}

/**
 * Waits until the parent assigns something. False when the parent has ended instead: so should this
 * process.
 */
export function awaitAssignment(): boolean {
  const line = readLine();
  if (line === undefined) return false;
  const { args, launch, logFile } = JSON.parse(line) as Assignment;
  replaceStream(0, '/dev/null', 'r');
  replaceStream(1, logFile, 'a');
  replaceStream(2, logFile, 'a');
  process.argv.splice(2, process.argv.length, ...args);
  process.env[LAUNCH_VARIABLE] = launch;
  process.env[LOG_FILE_VARIABLE] = logFile;
  // As lists of processes show a child that was started with them; the system cuts it off where the
  // first command line ended.
  process.title = ['node', process.argv[1], ...args].join(' ');
  return true;
}

/** One line of standard input; undefined when that ends before. */
function readLine(): string | undefined {
  const chunks: Buffer[] = [];
  for (let bytes = 0; bytes < ASSIGNMENT_BYTES_MAX;) {
    const chunk = Buffer.alloc(16_384);
    const length = readSync(0, chunk);
    if (length === 0) return undefined;
    bytes += length;
    chunks.push(chunk.subarray(0, length));
    if (chunk.subarray(0, length).includes('\n')) return Buffer.concat(chunks).toString();
  }
  return undefined;
}

/** The system gives a new file the lowest free number: that of the stream that was closed. */
function replaceStream(stream: number, path: string, flags: string): void {
  closeSync(stream);
  const fd = openSync(path, flags, 0o640);
  if (fd !== stream) throw new Error(`the standard stream ${stream} was not replaced`);
}
