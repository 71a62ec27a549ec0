/** Why a server that has just been started ended: its own last word in its log. Pure. */
import { ERROR_CODES, type ErrorCode } from '../../protocol/base/errors.js';

export interface LoggedCause {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Longest text of a log that is quoted when there is no line of its own kind in it. */
const QUOTED_CHARACTERS = 2_000;

/**
 * The last error line of the log, JSON lines as the servers write them; else what was written at
 * all.
 */
export function causeInLog(text: string): LoggedCause | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  for (const line of lines.toReversed()) {
    const entry = parsed(line);
    if (entry?.['level'] !== 'error') continue;
    const { code, error, message } = entry;
    const said = typeof error === 'string' ? error : message;
    if (typeof said === 'string') return { code: isCode(code) ? code : 'START_FAILED', message: said };
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
