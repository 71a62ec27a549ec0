/**
 * The rules of a history: how large it is and what happens when it is full. Checked here, where
 * they enter.
 */
import { MirrorflowError } from '../../../protocol/base/errors.js';
import { LIMITS } from '../../../protocol/base/limits.js';
import { HISTORY_BUFFERS_MAX } from './control-block.js';
import { recordStride } from './segments.js';

/**
 * `block`: the flow thread stops reading, which holds a lossless provider back; `overwrite`: the
 * newest ready buffer is overwritten; `drop`: the buffer is acknowledged and counted as lost;
 * `grow`: the history grows up to `maxHistory`, then blocks.
 */
export const FULL_POLICIES = ['block', 'overwrite', 'drop', 'grow'] as const;
export type FullPolicy = (typeof FULL_POLICIES)[number];

export interface Watermarks {
  /** At so many ready buffers nothing more is added. */
  readonly high: number;
  /** Below so many it goes on. */
  readonly low: number;
}

export interface HistoryRules {
  /** Buffers at the beginning. */
  readonly history: number;
  /** Nobody has stated them: small buffers get more. */
  readonly isDefault?: true;
  readonly whenFull: FullPolicy;
  /** Buffers it may grow to, by policy or by request. */
  readonly maxHistory: number;
  readonly watermarks?: Watermarks;
}

const DEFAULT_HISTORY_BUFFERS = 8;
/**
 * As many small buffers as make so many bytes: threads that change places for every few of them do
 * little else.
 */
const DEFAULT_HISTORY_BYTES = 256 * 1024;
/** What a history may grow to by request when nothing was stated. */
const DEFAULT_MAX_HISTORY_BUFFERS = 4096;

export interface HistoryOptions {
  /** Default 8, or as many as make 256 KiB, up to `maxHistory`. */
  readonly history?: number;
  /** Default `block`. */
  readonly whenFull?: FullPolicy;
  /** Must be stated for `grow`; otherwise what `grow()` may reach, default 4,096. */
  readonly maxHistory?: number;
  readonly watermarks?: Watermarks;
}

/** Throws BAD_OPTION with what was given and what is allowed. */
export function checkHistoryOptions(options: HistoryOptions): HistoryRules {
  const { history = DEFAULT_HISTORY_BUFFERS, whenFull = 'block', watermarks } = options;
  checkBuffers('history', history, 1, HISTORY_BUFFERS_MAX);
  if (!FULL_POLICIES.includes(whenFull)) {
    throw badOption('whenFull', whenFull, `one of ${FULL_POLICIES.join(', ')}`);
  }
  if (whenFull === 'grow' && options.maxHistory === undefined) {
    throw badOption('maxHistory', undefined, `a number of buffers from ${history}, since whenFull is grow`);
  }
  const { maxHistory = Math.max(history, DEFAULT_MAX_HISTORY_BUFFERS) } = options;
  checkBuffers('maxHistory', maxHistory, history, HISTORY_BUFFERS_MAX);
  const isDefault = options.history === undefined ? ({ isDefault: true } as const) : {};
  if (watermarks === undefined) return { history, ...isDefault, whenFull, maxHistory };
  const { high, low } = watermarks;
  checkBuffers('watermarks.high', high, 2, history);
  checkBuffers('watermarks.low', low, 1, high - 1);
  return { history, ...isDefault, whenFull, maxHistory, watermarks: { high, low } };
}

/** The rules for a flow with buffers of this size. */
export function resolveRules(rules: HistoryRules, payloadCapacity: number): HistoryRules {
  if (rules.isDefault !== true) return rules;
  const buffers = Math.min(rules.maxHistory, Math.floor(DEFAULT_HISTORY_BYTES / payloadCapacity));
  return { ...rules, history: Math.max(rules.history, buffers) };
}

/** Throws TOO_LARGE with the numbers when so many buffers do not fit 2^31 - 1 bytes. */
export function checkHistoryMemory(buffers: number, payloadCapacity: number): void {
  const stride = recordStride(payloadCapacity);
  const bytes = buffers * stride;
  if (bytes <= LIMITS.mappedBytes) return;
  const fitting = Math.floor(LIMITS.mappedBytes / stride);
  throw new MirrorflowError(
    'TOO_LARGE',
    `a history of ${buffers} buffers of ${payloadCapacity} bytes needs ${bytes} bytes; at most ${LIMITS.mappedBytes} are allowed, ` +
      (fitting > 0 ? `which is ${fitting} buffers` : 'read such buffers with inline: true'),
    { buffers, payloadCapacity, bytes, limitBytes: LIMITS.mappedBytes },
  );
}

/** Throws BAD_OPTION unless `value` is a whole number of buffers from `min` to `max`. */
export function checkBuffers(option: string, value: unknown, min: number, max: number): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return;
  throw badOption(option, value, `a whole number of buffers from ${min} to ${max}`);
}

export function badOption(option: string, given: unknown, allowed: string): MirrorflowError {
  const shown = typeof given === 'string' ? JSON.stringify(given.slice(0, 80)) : String(given);
  return new MirrorflowError('BAD_OPTION', `${option} is ${shown}; it must be ${allowed}`, { option });
}
