/**
 * The exit codes of `mirrorflow`, on which scripts rely, and the exit code for each error code.
 *
 * `run-words.ts` and the prompt convert errors with `exitCodeOf`; commands return codes of `EXIT`.
 * `docs/commands.md` has the same table. Pure: no I/O.
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
 * | 6 | `verify`: a repair would make the flow file valid |
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
  mustReplace: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const EXIT_CODE_OF_ERROR: Partial<Record<ErrorCode, ExitCode>> = {
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

/** The exit code for a thrown error; `failed` for errors without a code of their own. */
export function exitCodeOf(thrown: unknown): ExitCode {
  return (isMirrorflowError(thrown) ? EXIT_CODE_OF_ERROR[thrown.code] : undefined) ?? EXIT.failed;
}

/** One line for the help text, without 6 and 7: the help of `verify` and `repair` states these. */
export const EXIT_CODES_HELP =
  'Exit codes: 0 success, 1 failed, 2 bad usage, 3 no host server or not running, 4 unknown application, flow or spectrum, 5 timed out, 130 interrupted.';
