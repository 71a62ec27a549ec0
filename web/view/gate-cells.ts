/**
 * The figures inside a gate as texts with units and uncertainties, for the table of gates below a
 * plot. The page's `GateTable` shows them. Pure.
 */
import type { Measured } from '../../analysis/region/region-figures.js';
import { formatMeasured, unitOf } from '../../plotting/measured.js';
import type { GateAnswer } from '../wire/frame.js';

export interface GateCells {
  readonly counts: string;
  readonly centroid: string;
  readonly fwhm: string;
  readonly rate: string;
}

const NO_FIGURE = '—';

/** `labels`: of the axes that the view has. */
export function gateCells({ figures, rate }: GateAnswer, labels: readonly string[]): GateCells {
  const { counts, moments } = figures;
  const along = (texts: readonly Measured[]): string =>
    texts
      .map(({ value, error }, index) =>
        `${formatMeasured(value, error)} ${unitOf(labels[index] ?? '')}`.trim(),
      )
      .join(' , ') || NO_FIGURE;
  return {
    counts: formatMeasured(counts.value, counts.error),
    centroid: along(moments.map(({ centroid }) => centroid)),
    fwhm: along(moments.map(({ fwhm }) => fwhm)),
    rate: rate === undefined ? NO_FIGURE : `${formatMeasured(rate.perSecond, rate.error)} /s`,
  };
}
