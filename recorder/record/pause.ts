/**
 * A wait that ends early when it is aborted. Used by the recorders and the player between attempts
 * and until a time. A timer, no I/O.
 */

/** Resolves after `ms`, or at once when the signal is aborted. */
export function pauseUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
