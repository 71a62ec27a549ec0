/**
 * The ends of the host server. SIGTERM and SIGINT mean "all of it": its applications are stopped
 * too. SIGHUP means "this process only", as does a crash: applications go on and are adopted by the
 * next host server. The two need different signals since a service manager sends the same one for
 * stop and for restart.
 */
import { describeError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { sourceStack } from '../../protocol/base/source-stack.js';
import type { HostServer } from '../host-server.js';

/** Longer than any application takes to be stopped; shorter than systemd waits before SIGKILL. */
const ENDING_TIMEOUT_MS = 9_500;
const EXIT_ENDED_TOO_SLOWLY = 1;
/** EX_SOFTWARE of sysexits(3). */
const EXIT_INTERNAL_ERROR = 70;

/**
 * Ends the process when the host server has ended, for whatever reason; in time, if need be without
 * waiting.
 */
export function endOnSignals(server: HostServer, log: Logger): void {
  const end = (everything: boolean) => (signal: string) => {
    log.info('asked to end', { signal });
    setTimeout(() => {
      log.error('ending took too long');
      process.exit(EXIT_ENDED_TOO_SLOWLY);
    }, ENDING_TIMEOUT_MS).unref();
    void server.quit(everything);
  };
  process.on('SIGTERM', end(true));
  process.on('SIGINT', end(true));
  process.on('SIGHUP', end(false));
  void server.ended.then(() => process.exit(0));
  const crash = (error: unknown): void => {
    log.error('internal error, ending; applications go on', {
      error: describeError(error),
      stack: sourceStack(error),
    });
    process.exit(EXIT_INTERNAL_ERROR);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
}
