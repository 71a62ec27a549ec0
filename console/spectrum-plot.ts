/**
 * Renders a spectrum for the terminal: a histogram in one dimension, a heat map in two, without
 * under- and overflow channels.
 *
 * `mirrorflow show` calls it. Pure: no I/O.
 */
import type { Spectrum } from '../client-lib/index.js';
import type { SpecTclSpectrum } from '../protocol/spectcl/rest-shapes.js';
import { spectrumInRange } from '../protocol/spectcl/spectrum-in-range.js';
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
  /** What SpecTcl's REST service says of the spectrum; undefined without an answer. */
  readonly described: SpecTclSpectrum | undefined;
}

export function plotSpectrum(spectrum: Spectrum, options: SpectrumPlotOptions): string[] {
  const { binding, sum } = spectrum;
  const { colour, unicode, width, height, stale, range, scale, described } = options;
  const { name, x, y, counts } = spectrumInRange(binding, spectrum.counts, described, 0);
  const axis = { xlabel: x.label, xmin: x.low, xmax: x.high };
  const common = { title: name, sum, colour, unicode, width, height, stale, counts, ...axis };
  if (y === undefined) {
    return renderHistogram({ ...common, scale: scale ?? 'linear', ylabel: binding.ylabel, range });
  }
  return renderHeatMap({
    ...common,
    scale: scale ?? 'log',
    xchans: x.channels,
    ychans: y.channels,
    ymin: y.low,
    ymax: y.high,
    ylabel: y.label,
    xrange: range,
  });
}
