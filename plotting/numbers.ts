/**
 * Formats numbers for people: counts, rates per second, bytes, durations.
 *
 * The console's tables and plots and the web page call these functions, so that a quantity reads
 * the same in both. All output is ASCII, because a terminal may show nothing else. Pure: no I/O.
 */

const SI_PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'] as const;
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;
/** Replaces a value that is not finite. */
const NO_NUMBER = '-';

/** Created at the first use: its locale data take a millisecond to load. */
let groupedDigits: Intl.NumberFormat | undefined;

/** Every digit, in groups of three: `1,234,567`. Fractions keep at most three digits. */
export function formatCount(count: number | bigint): string {
  if (typeof count === 'number' && !Number.isFinite(count)) return NO_NUMBER;
  groupedDigits ??= new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 });
  return groupedDigits.format(count);
}

/** Three significant digits and an SI prefix: `950`, `1.5k`, `23.4M`. */
export function formatShortCount(count: number): string {
  if (!Number.isFinite(count)) return NO_NUMBER;
  const { value, index } = scaleDown(count, 1000, SI_PREFIXES.length);
  return `${rounded(value)}${SI_PREFIXES[index] ?? ''}`;
}

/** The largest SI prefix whose unit is not above a count; none below 1,000. */
export function siPrefix(count: number): { readonly unit: number; readonly prefix: string } {
  const steps = Math.floor(Math.log10(Math.max(1, count)) / 3 + 1e-9);
  const index = Math.min(SI_PREFIXES.length - 1, steps);
  return { unit: 1_000 ** index, prefix: SI_PREFIXES[index] ?? '' };
}

/** Events per second: `1.2k/s`. */
export function formatRate(perSecond: number): string {
  return Number.isFinite(perSecond) ? `${formatShortCount(perSecond)}/s` : NO_NUMBER;
}

/** Bytes in powers of 1,024: `512 B`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return NO_NUMBER;
  const { value, index } = scaleDown(bytes, 1024, BYTE_UNITS.length);
  return `${rounded(value)} ${BYTE_UNITS[index] ?? ''}`;
}

/** Bytes per second: `12.3 MiB/s`. */
export function formatByteRate(bytesPerSecond: number): string {
  return Number.isFinite(bytesPerSecond) ? `${formatBytes(bytesPerSecond)}/s` : NO_NUMBER;
}

/**
 * A duration in milliseconds as its two largest units: `35 us`, `350 ms`, `4.2 s`, `3m 05s`,
 * `2h 03m`, `4d 01h`.
 */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return NO_NUMBER;
  if (ms < 0) return `-${formatDuration(-ms)}`;
  const microseconds = Math.round(ms * 1000);
  if (microseconds < 1000) return microseconds === 0 ? '0 s' : `${microseconds} us`;
  const tenths = Math.round(ms / 100);
  if (ms < 999.5) return `${rounded(ms)} ms`;
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return pairOfUnits(seconds, 60, 'm', 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return pairOfUnits(minutes, 60, 'h', 'm');
  return pairOfUnits(Math.round(minutes / 60), 24, 'd', 'h');
}

function pairOfUnits(amount: number, perLarge: number, large: string, small: string): string {
  const rest = String(amount % perLarge).padStart(2, '0');
  return `${Math.floor(amount / perLarge)}${large} ${rest}${small}`;
}

/**
 * Divides by `base` until the rounded number is below it: 999.9 k becomes 1 M, never 1000 k.
 */
function scaleDown(amount: number, base: number, units: number): { value: number; index: number } {
  let value = amount;
  let index = 0;
  while (index < units - 1 && Math.abs(rounded(value)) >= base) {
    value /= base;
    index += 1;
  }
  return { value, index };
}

/** Three significant digits, or the whole number where that has more. */
function rounded(value: number): number {
  // Adding 0 turns -0 into 0.
  return (Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))) + 0;
}
