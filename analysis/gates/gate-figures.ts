/**
 * Counts, centroid and width of a spectrum inside a gate, from all bins. The web server and
 * `mirrorflow integrate` call it. Pure. Formulas: docs/gates.md.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { FWHM_PER_SIGMA } from '../fit/start-values.js';
import type { Measured } from '../region/region-figures.js';
import { runsInside } from './bins-inside.js';
import { binWidth, type BinRun, type GateAxis, type GatedCounts, type GateOutline } from './gate-outline.js';
import { spectclRuns } from './spectcl-rule.js';

/** `inside`: the bins whose middle is inside; `spectcl`: those of SpecTcl's `integrate`. */
export const GATE_RULES = ['inside', 'spectcl'] as const;
export type GateRule = (typeof GATE_RULES)[number];

/** Moments of the counts along one axis, in its units. */
export interface GateMoments {
  readonly centroid: Measured;
  /** FWHM of a Gauss with the same standard deviation. */
  readonly fwhm: Measured;
}

export interface GateFigures {
  readonly counts: Measured;
  /** One for each axis; empty without counts. */
  readonly moments: readonly GateMoments[];
}

/** SpecTcl's own factor. */
const SPECTCL_FWHM_PER_SIGMA = 2.354;

/** Throws BAD_OPTION for a gate that SpecTcl does not integrate, with the rule `spectcl`. */
export function gateFigures(
  spectrum: GatedCounts,
  gate: GateOutline,
  rule: GateRule = 'inside',
): GateFigures {
  const { x, y } = spectrum;
  const runsOf = rule === 'inside' ? runsInside(gate, x, y) : spectclRuns(gate, x, y);
  if (runsOf === undefined) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `SpecTcl integrates slices of 1-D and contours of 2-D spectra, not type ${gate.type} here; leave out the rule`,
      { type: gate.type },
    );
  }
  const sums = sumsOf(spectrum, runsOf);
  const { count } = sums;
  const counts = { value: count, error: Math.sqrt(count) };
  if (count === 0) return { counts, moments: [] };
  const along = (axis: GateAxis, first: number, second: number): GateMoments =>
    momentsOf(axis, count, first, second, rule);
  return {
    counts,
    moments: [along(x, sums.x, sums.xx), ...(y === undefined ? [] : [along(y, sums.y, sums.yy)])],
  };
}

/** The sum of the counts alone. */
export function countsInside(spectrum: GatedCounts, gate: GateOutline): number {
  return sumsOf(spectrum, runsInside(gate, spectrum.x, spectrum.y)).count;
}

/** Sums of the counts, and of counts times bin and bin². */
interface Sums {
  count: number;
  x: number;
  xx: number;
  y: number;
  yy: number;
}

function sumsOf({ counts, x, y }: GatedCounts, runsOf: (row: number) => readonly BinRun[]): Sums {
  const sums: Sums = { count: 0, x: 0, xx: 0, y: 0, yy: 0 };
  const rows = y?.bins ?? 1;
  for (let row = 0; row < rows; row += 1) {
    const start = (row + (y?.first ?? 0)) * x.channels + x.first;
    let inRow = 0;
    for (const [from, to] of runsOf(row)) {
      for (let bin = from; bin <= to; bin += 1) {
        const count = counts[start + bin] ?? 0;
        if (count === 0) continue;
        inRow += count;
        sums.x += count * bin;
        sums.xx += count * bin * bin;
      }
    }
    sums.count += inRow;
    sums.y += inRow * row;
    sums.yy += inRow * row * row;
  }
  return sums;
}

/** SpecTcl's rule places the counts of a bin at its lower edge, the other one in its middle. */
function momentsOf(
  axis: GateAxis,
  count: number,
  first: number,
  second: number,
  rule: GateRule,
): GateMoments {
  const width = binWidth(axis);
  const mean = first / count;
  const sigma = Math.sqrt(Math.max(0, second / count - mean * mean)) * width;
  const place = axis.low + (mean + (rule === 'inside' ? 0.5 : 0)) * width;
  const factor = rule === 'inside' ? FWHM_PER_SIGMA : SPECTCL_FWHM_PER_SIGMA;
  return {
    centroid: { value: place, error: sigma / Math.sqrt(count) },
    fwhm: { value: factor * sigma, error: (factor * sigma) / Math.sqrt(2 * count) },
  };
}
