/**
 * Shared by the programs of the chaos run: connect and retry until it succeeds, end with the parent
 * process, and report to it line by line.
 */
import { writeSync } from 'node:fs';
import { connect, isMirrorflowError, type Client } from 'mirrorflow';

const RETRY_MS = 20;

/** The end of the chaos program closes its pipe to this process, however it ends. */
export function endWithParent(): void {
  process.stdin.on('end', () => process.exit(0));
  process.stdin.on('error', () => process.exit(0));
  process.stdin.resume();
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/**
 * Writes a line to the chaos program synchronously, so that a kill cannot lose it; waits while the
 * pipe is full.
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

/** Retries `work` until it succeeds, as long as it fails with a MirrorflowError. */
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
