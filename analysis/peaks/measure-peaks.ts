/**
 * The table of a spectrum's peaks: fits every peak that the search finds, close ones together.
 * `mirrorflow peaks`, the page's worker and the web server call it. Pure.
 */
import { highEdge, type Channels } from '../channels.js';
import { fitSpectrum, type FittedParameter } from '../fit/fit-spectrum.js';
import { findPeaks, type PeakMark, type PeakSearchOptions } from './find-peaks.js';

export interface MeasuredPeak {
  /** Significance of the search, in standard deviations. */
  readonly significance: number;
  /** Values of a Gauss on a straight background, or of the search where the fit failed. */
  readonly centroid: FittedParameter;
  readonly fwhm: FittedParameter;
  readonly area?: FittedParameter;
}

/** A range reaches so many widths beyond its outer peaks. */
const RANGE_WIDTHS = 3;
/** Peaks nearer than so many widths are fitted together. */
const TOGETHER_WIDTHS = 3;
const TOGETHER_MAX = 5;

/** Throws BAD_OPTION. */
export function measurePeaks(channels: Channels, options: PeakSearchOptions = {}): MeasuredPeak[] {
  return groups(findPeaks(channels, options)).flatMap((marks) => measureGroup(channels, marks));
}

function groups(marks: readonly PeakMark[]): PeakMark[][] {
  const together: PeakMark[][] = [];
  for (const mark of marks) {
    const last = together.at(-1);
    const previous = last?.at(-1);
    const isClose = previous !== undefined && mark.centroid - previous.centroid < TOGETHER_WIDTHS * mark.fwhm;
    if (last !== undefined && isClose && last.length < TOGETHER_MAX) last.push(mark);
    else together.push([mark]);
  }
  return together;
}

function measureGroup(channels: Channels, marks: readonly PeakMark[]): MeasuredPeak[] {
  const found = (mark: PeakMark): MeasuredPeak => ({
    significance: mark.significance,
    centroid: { value: mark.centroid, state: 'undetermined' },
    fwhm: { value: mark.fwhm, state: 'undetermined' },
  });
  const [first, last] = [marks[0], marks.at(-1)];
  if (first === undefined || last === undefined) return [];
  const reach = Math.max(RANGE_WIDTHS * first.fwhm, (3 + marks.length) * channels.width);
  const range = {
    low: Math.max(channels.low, first.centroid - reach),
    high: Math.min(highEdge(channels), last.centroid + reach),
  };
  const { peaks, converged } = fitSpectrum(channels, {
    range,
    centroids: marks.map(({ centroid }) => centroid),
  });
  if (!converged) return marks.map(found);
  return marks.map((mark, index) => {
    const peak = peaks[index];
    const isSame = peak !== undefined && Math.abs(peak.centroid.value - mark.centroid) < mark.fwhm;
    return isSame
      ? { significance: mark.significance, centroid: peak.centroid, fwhm: peak.fwhm, area: peak.area }
      : found(mark);
  });
}
