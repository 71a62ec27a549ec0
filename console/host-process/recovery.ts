/**
 * Asks the duplicator's recovery program about a flow file; it is a process of its own, since a
 * damaged file may kill whoever maps it.
 */
import { execFile } from 'node:child_process';
import { ERROR_CODES, MirrorflowError, type ErrorCode } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';
import { EXIT, type ExitCode } from '../exit-codes.js';

/** A look at the largest file takes a second. */
const TIMEOUT_MS = 30_000;

export interface RecoveryAnswer {
  /** Lines for people, or one of JSON. */
  readonly text: string;
  readonly exit: ExitCode;
}

/**
 * Throws what keeps the program from looking, with its code; START_FAILED when it died of the file.
 */
export function askRecovery(what: 'verify' | 'repair', file: string, json: boolean): Promise<RecoveryAnswer> {
  return new Promise((resolve, reject) => {
    const words = [programPath('recovery'), what, file, ...(json ? ['--json'] : [])];
    const options = { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' } as const;
    execFile(process.execPath, words, options, (failed, stdout, stderr) => {
      if (stdout !== '') {
        const code = failed === null ? 0 : failed.code;
        resolve({ text: stdout, exit: Object.values(EXIT).find((exit) => exit === code) ?? EXIT.failed });
        return;
      }
      const said =
        stderr.trim().replace(/^recovery: /, '') ||
        `it ended with ${failed?.signal ?? failed?.code ?? 'nothing'}`;
      const refusal = refusalIn(said);
      const code = refusal?.code ?? 'START_FAILED';
      reject(
        new MirrorflowError(
          code,
          `${file} could not be looked at: ${refusal?.message ?? said}`,
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
    // plain words
  }
  return undefined;
}
