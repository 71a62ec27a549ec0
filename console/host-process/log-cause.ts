/**
 * Finds in the log of a server why it ended at its start.
 *
 * `launch.ts` calls it with the part of the log that the server has written. Pure: no I/O.
 */
import { ERROR_CODES, type ErrorCode } from '../../protocol/base/errors.js';

export interface LoggedCause {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Characters quoted from the end of a log without an error line. */
const QUOTED_CHARACTERS = 2_000;

/**
 * The last error among the JSON lines that servers log; without one, the end of the text. Undefined
 * for an empty log.
 */
export function causeInLog(text: string): LoggedCause | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  for (const line of lines.toReversed()) {
    const entry = parsed(line);
    if (entry?.['level'] !== 'error') continue;
    const { code, error, message } = entry;
    const text = typeof error === 'string' ? error : message;
    if (typeof text === 'string') return { code: isCode(code) ? code : 'START_FAILED', message: text };
  }
  if (lines.length === 0) return undefined;
  return { code: 'START_FAILED', message: lines.join('\n').slice(-QUOTED_CHARACTERS) };
}

function parsed(line: string): { readonly [key: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
}
