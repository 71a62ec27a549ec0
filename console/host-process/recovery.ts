/**
 * Runs the recovery program on a flow file, to check or to repair it.
 *
 * `mirrorflow verify` and `repair` call it. The program is a child process, because a damaged file
 * may kill the process that maps it.
 */
import { execFile } from 'node:child_process';
import { ERROR_CODES, MirrorflowError, type ErrorCode } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';
import { EXIT, type ExitCode } from '../exit-codes.js';

/** The check of the largest file takes about a second. */
const TIMEOUT_MS = 30_000;

export interface RecoveryAnswer {
  /** Lines for people, or one of JSON. */
  readonly text: string;
  readonly exit: ExitCode;
}

/**
 * Throws the program's refusal with its code, or START_FAILED when it died without an answer.
 */
export function runRecovery(what: 'verify' | 'repair', file: string, json: boolean): Promise<RecoveryAnswer> {
  return new Promise((resolve, reject) => {
    const words = [programPath('recovery'), what, file, ...(json ? ['--json'] : [])];
    const options = { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' } as const;
    execFile(process.execPath, words, options, (failed, stdout, stderr) => {
      if (stdout !== '') {
        const code = failed === null ? 0 : failed.code;
        resolve({ text: stdout, exit: Object.values(EXIT).find((exit) => exit === code) ?? EXIT.failed });
        return;
      }
      const message =
        stderr.trim().replace(/^recovery: /, '') ||
        `it ended with ${failed?.signal ?? failed?.code ?? 'nothing'}`;
      const refusal = refusalIn(message);
      const code = refusal?.code ?? 'START_FAILED';
      reject(
        new MirrorflowError(
          code,
          `${file} could not be checked: ${refusal?.message ?? message}`,
          { file },
          failed,
        ),
      );
    });
  });
}

function refusalIn(text: string): { readonly code: ErrorCode; readonly message: string } | undefined {
  try {
    const { code, message } = JSON.parse(text) as { code?: unknown; message?: unknown };
    if (typeof code === 'string' && Object.hasOwn(ERROR_CODES, code) && typeof message === 'string')
      return { code: code as ErrorCode, message };
  } catch {
    // The text is a sentence and not JSON.
  }
  return undefined;
}
