/** Waits that end when the command is interrupted. */
import type { EventEmitter } from 'node:events';
import { MirrorflowError } from '../protocol/base/errors.js';

/**
 * What `work` gives, or CLOSED as soon as the signal is aborted. What the work gives after that is
 * handed to `release`; without one, the work is left to its owner.
 */
export async function interruptible<T>(
  signal: AbortSignal,
  work: Promise<T>,
  release?: (late: T) => void,
): Promise<T> {
  const giveUp = (): void => void work.then(release, () => undefined);
  if (signal.aborted) {
    giveUp();
    throw interrupted();
  }
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(interrupted());
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } catch (error) {
    if (signal.aborted) giveUp();
    throw error;
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}

/**
 * Resolves after `ms`, at once when the signal is aborted, and when `stream`, a terminal, gets
 * another size.
 */
export function pause(ms: number, signal: AbortSignal, stream?: EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      stream?.off('resize', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    stream?.on('resize', done);
  });
}

function interrupted(): MirrorflowError {
  return new MirrorflowError('CLOSED', 'interrupted');
}
