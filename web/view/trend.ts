/**
 * A trend as a spectrum whose axis is time, so that a plot shows it. The page calls it. Pure.
 */
import type { SavedSpectrum } from '../../plotting/files/saved-spectrum.js';
import { formatMoment } from './moment.js';

const UNITS = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'min', ms: 60_000 },
  { name: 's', ms: 1_000 },
] as const;
/** The largest unit of which the time has at least so many. */
const UNITS_MIN = 3;

/** `sums`: one for each equal part of the time; null, shown as 0, where nothing is known. */
export function trendSpectrum(
  name: string,
  sums: readonly (number | null)[],
  [startMs, endMs]: readonly [startMs: number, endMs: number],
): SavedSpectrum {
  const spanMs = endMs - startMs;
  const unit = UNITS.find(({ ms }) => spanMs / ms >= UNITS_MIN) ?? UNITS[3];
  return {
    name,
    type: '1D long',
    x: {
      label: `${unit.name} since ${formatMoment(startMs)}`,
      low: 0,
      high: spanMs / unit.ms,
      channels: sums.length,
    },
    counts: Float64Array.from(sums, (sum) => sum ?? 0),
    atMs: endMs,
  };
}
