/**
 * The orderly, bounded end of a program on SIGTERM and SIGINT, and its end after an error that was
 * not caught. The servers' main modules call it. Installs signal handlers, ends the process.
 */
import { LIMITS } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { sourceStack } from '../../base/source-stack.js';

/**
 * Calls `close` once, at the first SIGTERM or SIGINT. Exit codes: 0; 1 when closing failed or took
 * longer than `withinMs` (default: a little less than a parent waits before SIGKILL); 70 after an
 * uncaught error, which is logged.
 */
export function endOnSignals(
  log: Logger,
  close: (signal: string) => Promise<void>,
  withinMs: number = LIMITS.childStopTimeoutMs * 0.9,
): void {
  let ending = false;
  const end = (signal: string): void => {
    if (ending) return;
    ending = true;
    log.info('stopping', { signal });
    setTimeout(() => {
      log.error('stopping took too long');
      process.exit(1);
    }, withinMs).unref();
    close(signal).then(
      () => process.exit(0),
      (error: unknown) => {
        log.error('stopping failed', { error });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  process.on('uncaughtException', (error) => {
    log.error('uncaught error, ending', { error, stack: sourceStack(error) });
    process.exit(70);
  });
  process.on('unhandledRejection', (reason) => {
    log.error('unhandled rejection, ending', {
      error: reason,
      stack: sourceStack(reason),
    });
    process.exit(70);
  });
}
