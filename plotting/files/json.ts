/**
 * Spectra as JSON, of the same members as a plot that the page saves: one object, or an array of
 * them. Called by `spectrum-files.ts` and `read-spectra.ts`. Pure.
 */
import { checkedChannels, type SavedAxis, type SavedSpectrum } from './saved-spectrum.js';

/** Members of an axis in the file. */
interface AxisMembers {
  readonly label?: unknown;
  readonly min?: unknown;
  readonly max?: unknown;
  /** Limits of the values, where they are a part of the axis. */
  readonly low?: unknown;
  readonly high?: unknown;
  readonly firstChannel?: unknown;
  readonly channelsPerValue?: unknown;
}

export function jsonOf({ name, type, x, y, counts, atMs }: SavedSpectrum): string {
  let sum = 0;
  for (let channel = 0; channel < counts.length; channel += 1) sum += counts[channel] ?? 0;
  return JSON.stringify({
    name,
    type,
    time: new Date(atMs).toISOString(),
    x: axisMembers(x),
    ...(y === undefined ? {} : { y: axisMembers(y) }),
    sum,
    columns: x.channels,
    rows: y?.channels ?? 1,
    counts: Array.from(counts),
  });
}

/** Throws SyntaxError or RangeError with the member that is wrong. */
export function readJson(text: string): SavedSpectrum[] {
  const parsed: unknown = JSON.parse(text);
  return (Array.isArray(parsed) ? parsed : [parsed]).map((item: unknown) => spectrumOf(item));
}

function spectrumOf(item: unknown): SavedSpectrum {
  const { name, type, time, x, y, columns, rows, counts } = membersOf(item, 'a spectrum');
  if (typeof name !== 'string' || typeof columns !== 'number' || typeof rows !== 'number') {
    throw new SyntaxError('a spectrum in JSON has name, columns, rows and counts');
  }
  if (y === undefined && rows !== 1) {
    throw new SyntaxError(`${name} has ${rows} rows and no axis y`);
  }
  const channels = checkedChannels(name, columns, rows);
  if (
    !Array.isArray(counts) ||
    counts.length !== channels ||
    !counts.every((count) => Number.isFinite(count))
  ) {
    throw new SyntaxError(`the counts of ${name} are not ${channels} numbers`);
  }
  const date = typeof time === 'string' ? Date.parse(time) : 0;
  return {
    name,
    type: typeof type === 'string' ? type : y === undefined ? '1D long' : '2D long',
    x: axisOf(name, x, columns),
    ...(y === undefined ? {} : { y: axisOf(name, y, rows) }),
    counts: Float64Array.from(counts as readonly number[]),
    atMs: Number.isNaN(date) ? 0 : date,
  };
}

function axisOf(name: string, value: unknown, channels: number): SavedAxis {
  const members: AxisMembers = membersOf(value, `the axis of ${name}`);
  const { label, min, max, low = min, high = max } = members;
  if (typeof low !== 'number' || typeof high !== 'number' || !(high > low)) {
    throw new SyntaxError(`the axis of ${name} needs min and max, min below max`);
  }
  return { label: typeof label === 'string' ? label : '', low, high, channels };
}

function axisMembers({ label, low, high }: SavedAxis): AxisMembers {
  return { label, min: low, max: high, firstChannel: 0, channelsPerValue: 1 };
}

function membersOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new SyntaxError(`${what} in JSON is an object`);
}
