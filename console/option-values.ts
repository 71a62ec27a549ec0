/**
 * Parses option values: numbers, byte counts, durations and points in time.
 *
 * The commands of the console call these functions. Each throws BAD_OPTION with the option, the
 * value found and the values allowed. Pure: no I/O.
 */
import { MirrorflowError } from '../protocol/base/errors.js';

const NUMBER_PATTERN = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const UPDATE_INTERVAL_MAX_MS = 3_600_000;
const BYTES_PATTERN = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i;
const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** The least and the greatest value allowed, in the unit of the value. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

export function numberValue(option: string, text: string, { min, max }: Bounds): number {
  const value = NUMBER_PATTERN.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw badValue(option, text, `a number from ${min} to ${max}`);
}

/**
 * Bytes with or without a unit: `65536`, `64KiB`, `64 MiB`, `1.5GiB`; K, M and G are powers of
 * 1,024, kB, MB and GB of 1,000.
 */
export function bytesValue(option: string, text: string, { min, max }: Bounds): number {
  const [, amount = '', unit = ''] = BYTES_PATTERN.exec(text.trim()) ?? [];
  const factor = amount === '' ? undefined : BYTE_UNITS[unit.toLowerCase()];
  const bytes = factor === undefined ? Number.NaN : Math.round(Number(amount) * factor);
  if (bytes >= min && bytes <= max) return bytes;
  throw badValue(option, text, `${min} to ${max} bytes, such as 65536, 64MiB or 1GiB`);
}

const DURATION_PATTERN = /^(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)$/;
const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of a time with a unit: `500ms`, `5s`, `30min`, `8h`, `7d`; and `0`. */
export function durationValue(option: string, text: string, { min, max }: Bounds): number {
  const [, amount = '', unit = ''] = DURATION_PATTERN.exec(text.trim()) ?? [];
  const ms = text.trim() === '0' ? 0 : Math.round(Number(amount) * (DURATION_UNITS_MS[unit] ?? Number.NaN));
  if (ms >= min && ms <= max) return ms;
  throw badValue(option, text, `a time of ${min} to ${max} ms, such as 500ms, 5s, 30min, 8h or 7d`);
}

/** A time or a number of bytes, of which only one is defined. */
export function durationOrBytesValue(
  option: string,
  text: string,
  bounds: { readonly ms: Bounds; readonly bytes: Bounds },
): { readonly ms?: number; readonly bytes?: number } {
  if (DURATION_PATTERN.test(text.trim())) return { ms: durationValue(option, text, bounds.ms) };
  return { bytes: bytesValue(option, text, bounds.bytes) };
}

/** Nanoseconds since 1970 of a time such as `2027-03-01T12:00:00Z`; local without a zone. */
export function timeValue(option: string, text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(ms)) return ms * 1e6;
  throw badValue(option, text, 'a time such as 2027-03-01T12:00:00Z');
}

/** Milliseconds of `--update-interval`. */
export function updateIntervalValue(text: string): number {
  return numberValue('update-interval', text, { min: 0, max: UPDATE_INTERVAL_MAX_MS });
}

function badValue(option: string, text: string, allowed: string): MirrorflowError {
  return new MirrorflowError(
    'BAD_OPTION',
    `--${option} is ${JSON.stringify(text.slice(0, 80))}; it must be ${allowed}`,
    { option },
  );
}
