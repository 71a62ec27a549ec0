/**
 * Parses option values: numbers and byte counts.
 *
 * The commands call these functions. Each throws BAD_OPTION with the option, the value found and
 * the values allowed. Pure: no I/O.
 */
import { MirrorflowError } from '../protocol/base/errors.js';

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const UPDATE_INTERVAL_MAX_MS = 3_600_000;
const BYTES = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i;
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

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

export function numberValue(option: string, text: string, { min, max }: Bounds): number {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw badValue(option, text, `a number from ${min} to ${max}`);
}

/**
 * Bytes with or without a unit: `65536`, `64KiB`, `64 MiB`, `1.5GiB`; K, M and G are powers of
 * 1,024, kB, MB and GB of 1,000.
 */
export function bytesValue(option: string, text: string, { min, max }: Bounds): number {
  const [, amount = '', unit = ''] = BYTES.exec(text.trim()) ?? [];
  const factor = amount === '' ? undefined : BYTE_UNITS[unit.toLowerCase()];
  const bytes = factor === undefined ? Number.NaN : Math.round(Number(amount) * factor);
  if (bytes >= min && bytes <= max) return bytes;
  throw badValue(option, text, `${min} to ${max} bytes, such as 65536, 64MiB or 1GiB`);
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
