/**
 * What the programs of the chaos run (consumer, provider, mirror-reader) share: they retry until
 * they succeed, exit with their parent, and report line by line on standard output. The parent
 * reads the lines in `Reader` and `ChaosSystem`.
 */
import { writeSync } from 'node:fs';
import { connect, isMirrorflowError, type Client } from 'mirrorflow';

const RETRY_MS = 20;
/** Failed attempts from one line of the log to the next: one second. */
const LOG_EVERY = 50;

/** The option `signal` of the flow, which a test sets by the environment. */
export function linkSignal(): { readonly signal?: 'datagram' } {
  return process.env['CHAOS_SIGNAL'] === 'datagram' ? { signal: 'datagram' } : {};
}

/** Exits when standard input closes, which happens however the parent ends. */
export function exitWithParent(): void {
  process.stdin.on('end', () => process.exit(0));
  process.stdin.on('error', () => process.exit(0));
  process.stdin.resume();
}

/** Never notified: waiting for it is a sleep. */
const sleepCell = new Int32Array(new SharedArrayBuffer(4));

/**
 * Writes one line to the parent synchronously, so that a kill after this call does not lose it.
 * Blocks while the pipe is full.
 */
export function report(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(1, bytes, written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(sleepCell, 0, 0, 1);
    }
  }
}

/**
 * Repeats `work` until it succeeds: errors of mirrorflow are retried, since other processes may be
 * restarting. Other errors are thrown. `what` names the work in the log.
 */
export async function retry<T>(what: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt % LOG_EVERY === LOG_EVERY - 1) process.stderr.write(`${what}: ${String(error)}\n`);
      if (!isMirrorflowError(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

export function connectWithRetry(app: string, name: string): Promise<Client> {
  return retry('connect', () => connect({ app, name }));
}
