/**
 * The rules of a history (a consumer's own ring of buffers): its size, and what happens when it is
 * full; and the check of the options they come from. Used by the input options, the engines and the
 * flow thread. Pure: no I/O.
 */
import { MirrorflowError } from '../../../protocol/base/errors.js';
import { LIMITS } from '../../../protocol/base/limits.js';
import { checkOptionNames, showValue } from '../../call-options.js';
import { HISTORY_BUFFERS_MAX } from './control-block.js';
import { recordStride } from './segment-table.js';

/**
 * `block`: the flow thread stops reading, which holds a lossless provider back; `overwrite`: the
 * newest ready buffer is overwritten; `drop`: the buffer is acknowledged and counted as lost;
 * `grow`: the history grows up to `maxHistory`, then blocks.
 */
export const FULL_POLICIES = ['block', 'overwrite', 'drop', 'grow'] as const;
export type FullPolicy = (typeof FULL_POLICIES)[number];

export interface Watermarks {
  /** Number of ready buffers at which the flow thread stops adding. */
  readonly high: number;
  /** Below this number the flow thread continues. */
  readonly low: number;
}

export interface HistoryRules {
  /** Initial number of buffers. */
  readonly history: number;
  /** `history` is the default: `resolveRules` raises it for small buffers. */
  readonly isDefault?: true;
  readonly whenFull: FullPolicy;
  /** Most buffers, by policy or by request. */
  readonly maxHistory: number;
  readonly watermarks?: Watermarks;
}

const DEFAULT_HISTORY_BUFFERS = 8;
/**
 * The default history has at least so many bytes: with fewer small buffers the two threads would
 * spend most of their time in wake-ups.
 */
const DEFAULT_HISTORY_BYTES = 256 * 1024;
/** Default limit of `grow()`. */
const DEFAULT_MAX_HISTORY_BUFFERS = 4096;

export interface HistoryOptions {
  /** Default 8, or as many as make 256 KiB, up to `maxHistory`. */
  readonly history?: number;
  /** Default `block`. */
  readonly whenFull?: FullPolicy;
  /** Most buffers of the history. Required for the policy `grow`; default 4,096. */
  readonly maxHistory?: number;
  /** Numbers of ready buffers at which the flow thread stops and continues. */
  readonly watermarks?: Watermarks;
}

/** Throws BAD_OPTION with the value and what is allowed. */
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
  checkOptionNames('watermarks', watermarks, ['high', 'low']);
  const { high, low } = watermarks;
  checkBuffers('watermarks.high', high, 2, history);
  checkBuffers('watermarks.low', low, 1, high - 1);
  return { history, ...isDefault, whenFull, maxHistory, watermarks: { high, low } };
}

/** The rules for a flow with payloads of up to `payloadCapacity` bytes. */
export function resolveRules(rules: HistoryRules, payloadCapacity: number): HistoryRules {
  if (rules.isDefault !== true) return rules;
  const buffers = Math.min(rules.maxHistory, Math.floor(DEFAULT_HISTORY_BYTES / payloadCapacity));
  return { ...rules, history: Math.max(rules.history, buffers) };
}

/** Throws TOO_LARGE with the numbers when the buffers need more than 2^31 - 1 bytes. */
export function checkHistoryMemory(buffers: number, payloadCapacity: number): void {
  const stride = recordStride(payloadCapacity);
  const bytes = buffers * stride;
  if (bytes <= LIMITS.mappedBytesMax) return;
  const fitting = Math.floor(LIMITS.mappedBytesMax / stride);
  throw new MirrorflowError(
    'TOO_LARGE',
    `a history of ${buffers} buffers of ${payloadCapacity} bytes needs ${bytes} bytes; at most ${LIMITS.mappedBytesMax} are allowed, ` +
      (fitting > 0 ? `which is ${fitting} buffers` : 'read such buffers with inline: true'),
    { buffers, payloadCapacity, bytes, limitBytes: LIMITS.mappedBytesMax },
  );
}

/** Throws BAD_OPTION unless `value` is a whole number of buffers from `min` to `max`. */
export function checkBuffers(option: string, value: unknown, min: number, max: number): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return;
  throw badOption(option, value, `a whole number of buffers from ${min} to ${max}`);
}

export function badOption(option: string, value: unknown, allowed: string): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', `${option} is ${showValue(value)}; it must be ${allowed}`, {
    option,
  });
}
