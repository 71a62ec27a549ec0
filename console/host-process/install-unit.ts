/**
 * Runs the host server's installation program, which writes or prints a systemd unit.
 *
 * `mirrorflow install` calls it. The program is a child process that prints one line of JSON.
 */
import { execFile } from 'node:child_process';
import { ERROR_CODES, MirrorflowError, type ErrorCode } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';

export interface InstallAnswer {
  readonly outcome: 'printed' | 'written' | 'unchanged';
  readonly path: string;
  /** Text of the unit. */
  readonly text: string;
  /** Shell commands that enable the unit. */
  readonly commands: readonly string[];
}

interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Throws the program's refusal with its code, or START_FAILED with its output. */
export function installUnit(args: readonly string[]): Promise<InstallAnswer> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [programPath('install-unit'), ...args], (failed, stdout, stderr) => {
      const answer = parsed(failed === null ? stdout : stderr);
      if (isAnswer(answer)) resolve(answer);
      else if (isRefusal(answer)) reject(new MirrorflowError(answer.code, answer.message));
      else {
        const output = stderr.trim() || stdout.trim() || 'nothing';
        reject(
          new MirrorflowError(
            'START_FAILED',
            `${programPath('install-unit')} failed and printed: ${output}`,
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
