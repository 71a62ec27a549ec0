/**
 * What the programs of the chaos run have in common: they try until they succeed, end with their
 * parent, and report line by line.
 */
import { writeSync } from 'node:fs';
import { connect, isMirrorflowError, type Client } from 'mirrorflow';

const RETRY_MS = 20;

/** Whatever kills the chaos program ends the pipe to its children. */
export function endWithParent(): void {
  process.stdin.on('end', () => process.exit(0));
  process.stdin.on('error', () => process.exit(0));
  process.stdin.resume();
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/**
 * One line to the chaos program, at once: a line that is written is not lost by a kill. Waits when
 * the chaos program has no time to read.
 */
export function report(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(1, bytes, written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(sleeper, 0, 0, 1);
    }
  }
}

/**
 * Tries until it succeeds; what is refused because somebody else is away just now is tried again.
 */
export async function untilDone<T>(what: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt % 50 === 49) process.stderr.write(`${what}: ${String(error)}\n`);
      if (!isMirrorflowError(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

export function connected(app: string, name: string): Promise<Client> {
  return untilDone('connect', () => connect({ app, name }));
}
