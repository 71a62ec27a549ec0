/**
 * When the host server ends. SIGTERM and SIGINT stop its applications too. SIGHUP and a crash end
 * this process only: applications continue and the next host server adopts them. The two meanings
 * need different signals, since a service manager sends the same one to stop and to restart. Called
 * by `main.ts`; installs signal handlers and exits the process.
 */
import { describeError } from '../protocol/base/errors.js';
import type { Logger } from '../protocol/base/log.js';
import { sourceStack } from '../protocol/base/source-stack.js';
import type { HostServer } from './host-server.js';

/** Longer than any application takes to stop; shorter than systemd waits before SIGKILL. */
const END_TIMEOUT_MS = 9_500;
const EXIT_END_TIMED_OUT = 1;
/** EX_SOFTWARE of sysexits(3). */
const EXIT_INTERNAL_ERROR = 70;

/** Exits the process when the host server has ended, or END_TIMEOUT_MS after a signal. */
export function endOnSignals(server: HostServer, log: Logger): void {
  const end = (withApplications: boolean) => (signal: string) => {
    log.info('ending on a signal', { signal });
    setTimeout(() => {
      log.error('the end timed out', { timeoutMs: END_TIMEOUT_MS });
      process.exit(EXIT_END_TIMED_OUT);
    }, END_TIMEOUT_MS).unref();
    void server.quit(withApplications);
  };
  process.on('SIGTERM', end(true));
  process.on('SIGINT', end(true));
  process.on('SIGHUP', end(false));
  void server.ended.then(() => process.exit(0));
  const crash = (error: unknown): void => {
    log.error('internal error, ending; applications continue', {
      error: describeError(error),
      stack: sourceStack(error),
    });
    process.exit(EXIT_INTERNAL_ERROR);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
}
