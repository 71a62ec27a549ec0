/**
 * `fit`: the duration of fits of 100 channels, of a region's figures and of a peak search, beside a
 * sum over the same channels. Pure computation in this process.
 */
import type { FitOptions } from '../analysis/fit/fit-options.js';
import { fitSpectrum } from '../analysis/fit/fit-spectrum.js';
import { findPeaks } from '../analysis/peaks/find-peaks.js';
import { regionFigures } from '../analysis/region/region-figures.js';
import { gammaSpectrum } from '../simulator/shapes.js';
import { makeRow, type Peer, type Row } from './report.js';
import { isSelected, type BenchSettings } from './settings.js';

const CHANNELS = 8_192;
const MAX_KEV = 2_048;
/** Counts of the whole spectrum. */
const COUNTS = 2e7;
/** 100 channels around the line at 121.8 keV, in keV and by their first channel. */
const FIRST_CHANNEL = 438;
const RANGE = { low: 109.5, high: 134.5 };

export function fit(settings: BenchSettings): Promise<Row[]> {
  const weights = gammaSpectrum('Eu-152', CHANNELS, MAX_KEV);
  const scale = COUNTS / weights.reduce((sum, weight) => sum + weight, 0);
  const counts = weights.map((weight) => Math.round(weight * scale));
  const spectrum = { counts, low: 0, width: MAX_KEV / CHANNELS };
  const part = {
    counts: counts.slice(FIRST_CHANNEL, FIRST_CHANNEL + 100),
    low: RANGE.low,
    width: spectrum.width,
  };
  const fitted = (options: Omit<FitOptions, 'range'>) => (): unknown =>
    fitSpectrum(spectrum, { range: RANGE, ...options });
  const cases: readonly [string, () => unknown][] = [
    ['one Gauss on a line, 100 channels', fitted({})],
    ['one germanium peak, 100 channels', fitted({ model: 'germanium' })],
    ['figures of a region, 100 channels', () => regionFigures(part)],
    [`peak search, ${CHANNELS} channels`, () => findPeaks(spectrum)],
  ];
  const sum = (): unknown => part.counts.reduce((all, count) => all + count, 0);
  const peer: Peer = { name: 'sum of 100 channels', values: durations(settings, sum) };
  const rows = cases
    .filter(([name]) => isSelected(settings, name))
    .map(([name, run]) => makeRow('fit', name, 'ms', durations(settings, run), peer));
  return Promise.resolve(rows);
}

/** Milliseconds of one call, a value per repetition, after as long a warm-up. */
function durations({ repeats, durationMs }: BenchSettings, run: () => unknown): number[] {
  const measure = (): number => {
    const start = performance.now();
    let calls = 0;
    while (performance.now() - start < durationMs) {
      run();
      calls += 1;
    }
    return (performance.now() - start) / calls;
  };
  measure();
  return Array.from({ length: repeats }, measure);
}
