/**
 * The exit codes of `mirrorflow` and the error codes behind them. Scripts rely on them.
 *
 * `run-words.ts` converts errors with it; `docs/commands.md` has the same table. Pure: no I/O.
 */
import { isMirrorflowError, type ErrorCode } from '../protocol/base/errors.js';

/**
 * | code | meaning |
 * | --- | --- |
 * | 0 | success |
 * | 1 | the operation failed |
 * | 2 | bad usage: unknown command or option, or a value out of range |
 * | 3 | no host server runs, or the application is not running |
 * | 4 | unknown application, flow or spectrum |
 * | 5 | timed out |
 * | 6 | `verify`: a repair would make the flow file sound |
 * | 7 | `verify`, `repair`: the flow file has to be replaced |
 * | 130 | interrupted before it was done |
 */
export const EXIT = {
  success: 0,
  failed: 1,
  usage: 2,
  notRunning: 3,
  unknown: 4,
  timedOut: 5,
  repairable: 6,
  replace: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const EXIT_OF_CODE: Partial<Record<ErrorCode, ExitCode>> = {
  BAD_NAME: EXIT.usage,
  BAD_ADDRESS: EXIT.usage,
  BAD_OPTION: EXIT.usage,
  BAD_CONFIGURATION: EXIT.usage,
  INVALID_PARAMETERS: EXIT.usage,
  NOT_RUNNING: EXIT.notRunning,
  UNKNOWN_APPLICATION: EXIT.unknown,
  UNKNOWN_FLOW: EXIT.unknown,
  UNKNOWN_SPECTRUM: EXIT.unknown,
  TIMED_OUT: EXIT.timedOut,
};

export function exitCodeOf(thrown: unknown): ExitCode {
  return (isMirrorflowError(thrown) ? EXIT_OF_CODE[thrown.code] : undefined) ?? EXIT.failed;
}

/** One line for the help text. */
export const EXIT_CODES_HELP =
  'Exit codes: 0 success, 1 failed, 2 bad usage, 3 no host server or not running, 4 unknown application, flow or spectrum, 5 timed out, 130 interrupted.';
