/**
 * Renders a spectrum for the terminal: a histogram in one dimension, a heat map in two.
 *
 * `mirrorflow show` calls it. Pure: no I/O.
 */
import type { Spectrum } from '../client-lib/index.js';
import type { TerminalStyle } from './render/colour.js';
import { renderHistogram } from './render/plot-1d.js';
import { renderHeatMap } from './render/plot-2d.js';
import type { ScaleName } from '../plotting/scale.js';

export interface SpectrumPlotOptions extends TerminalStyle {
  /** Default: linear for one dimension, log for two. */
  readonly scale: ScaleName | undefined;
  /** Part of the x axis, in its units. */
  readonly range: readonly [number, number] | undefined;
  readonly width: number;
  readonly height: number;
  readonly stale: boolean;
}

export function plotSpectrum(spectrum: Spectrum, options: SpectrumPlotOptions): string[] {
  const { binding, counts, sum } = spectrum;
  const { name, xmin, xmax, xlabel, ylabel, xchans, ychans, ymin, ymax } = binding;
  const { colour, unicode, width, height, stale, range, scale } = options;
  const common = { title: name, xlabel, sum, colour, unicode, width, height, stale, counts, xmin, xmax };
  if (binding.dimensions === 1) {
    return renderHistogram({ ...common, scale: scale ?? 'linear', ylabel, range });
  }
  return renderHeatMap({
    ...common,
    scale: scale ?? 'log',
    xchans,
    ychans,
    ymin,
    ymax,
    ylabel,
    xrange: range,
  });
}
