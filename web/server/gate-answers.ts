/**
 * The figures inside the gates that are drawn on a view: counts, centroid, width and rate, from all
 * channels. Used by `frames.ts`; `TrendSampler` sums alone. Pure.
 */
import { countsInside, gateFigures } from '../../analysis/gates/gate-figures.js';
import type { GateAxis, GatedCounts } from '../../analysis/gates/gate-outline.js';
import { xAxis, yAxis, type Axis } from '../view/axis.js';
import { gatesOn } from '../view/gates-on.js';
import type { GateAnswer } from '../wire/frame.js';
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';
import type { Grid } from './derive.js';
import { rateBetween, type EarlierGrid } from './region-answers.js';

/** Gates of one view whose figures are sent; a source may have thousands. */
const GATES_MAX = 64;

export function gateAnswers(
  grid: Grid,
  info: SpectrumInfo,
  projection: 'x' | 'y' | undefined,
  gates: readonly GateShape[],
  earlier: EarlierGrid | undefined,
): GateAnswer[] {
  const spectrum = gatedCounts(grid, info, projection);
  const before = earlier === undefined ? undefined : gatedCounts(earlier.grid, info, projection);
  return gatesOn(info, projection, gates)
    .slice(0, GATES_MAX)
    .map((gate) => {
      const { name } = gate;
      const figures = gateFigures(spectrum, gate);
      const rate =
        earlier === undefined || before === undefined
          ? undefined
          : rateBetween(countsInside(before, gate), figures.counts.value, earlier.spanS);
      return rate === undefined ? { name, figures } : { name, figures, rate };
    });
}

/** The counts of a view with its axes, as sums inside gates take them. */
export function gatedCounts(
  { values }: Grid,
  info: SpectrumInfo,
  projection: 'x' | 'y' | undefined,
): GatedCounts {
  const along = gateAxis(projection === 'y' ? yAxis(info) : xAxis(info));
  if (info.dimensions === 1 || projection !== undefined) return { counts: values, x: along };
  return { counts: values, x: along, y: gateAxis(yAxis(info)) };
}

function gateAxis({ channels, inRange: [first, end], low, high }: Axis): GateAxis {
  return { channels, first, bins: end - first, low, high };
}
