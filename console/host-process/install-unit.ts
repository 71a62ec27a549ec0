/** Asks the host server's installation program, which answers with one line of JSON. */
import { execFile } from 'node:child_process';
import { ERROR_CODES, MirrorflowError, type ErrorCode } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';

export interface InstallAnswer {
  readonly outcome: 'printed' | 'written' | 'unchanged';
  readonly path: string;
  /** The unit. */
  readonly text: string;
  /** What is to be typed when the unit is there. */
  readonly commands: readonly string[];
}

interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Throws what the program refuses, with its code. */
export function installUnit(args: readonly string[]): Promise<InstallAnswer> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [programPath('install-unit'), ...args], (failed, stdout, stderr) => {
      const answer = parsed(failed === null ? stdout : stderr);
      if (isAnswer(answer)) resolve(answer);
      else if (isRefusal(answer)) reject(new MirrorflowError(answer.code, answer.message));
      else {
        const said = stderr.trim() || stdout.trim() || 'nothing';
        reject(
          new MirrorflowError(
            'START_FAILED',
            `${programPath('install-unit')} failed and said: ${said}`,
            {},
            failed,
          ),
        );
      }
    });
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isAnswer(answer: unknown): answer is InstallAnswer {
  return typeof answer === 'object' && answer !== null && 'outcome' in answer && 'text' in answer;
}

function isRefusal(answer: unknown): answer is Refusal {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    'code' in answer &&
    'message' in answer &&
    typeof answer.code === 'string' &&
    Object.hasOwn(ERROR_CODES, answer.code)
  );
}
