/**
 * Waits that end when a command is interrupted by Ctrl-C or a signal.
 *
 * The commands wrap their waits for servers and for time in these functions, so that Ctrl-C ends a
 * command at once. Timers only, no I/O.
 */
import type { EventEmitter } from 'node:events';
import { MirrorflowError } from '../protocol/base/errors.js';

/**
 * Resolves with the result of `work`; throws CLOSED as soon as the signal is aborted. `release`
 * gets a result that arrives after that, to close it; without `release` a late result is dropped.
 */
export async function interruptible<T>(
  signal: AbortSignal,
  work: Promise<T>,
  release?: (late: T) => void,
): Promise<T> {
  const abandon = (): void => void work.then(release, () => undefined);
  if (signal.aborted) {
    abandon();
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
    if (signal.aborted) abandon();
    throw error;
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}

/**
 * Resolves after `ms`, at once when the signal is aborted, and when the terminal `stream` is
 * resized.
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
