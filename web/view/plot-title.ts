/**
 * What a plot is called: its spectra, what is compared, what a projection sums, since when counts
 * are shown; and the name of its axis of counts. Bars of plots and pictures for files show it.
 * Pure.
 */
import { comparedNames } from './comparison.js';
import { momentText } from './moment.js';
import type { PlotSpec } from './plot-spec.js';
import { partText } from './projected-part.js';

/** One text for each curve. */
export function plotTitles({ spectra, comparison, projection, within, sinceMs }: PlotSpec): string[] {
  const projected = projection === undefined ? '' : ` · onto ${projection}`;
  const part = within === undefined ? '' : ` ${partText(within)}`;
  const since = sinceMs === undefined ? '' : ` · since ${momentText(sinceMs)}`;
  return comparedNames(spectra, comparison).map((name) => `${name}${projected}${part}${since}`);
}

export function countsLabel({ spectra, comparison, rateS }: PlotSpec): string {
  const unit = rateS === undefined ? 'counts' : 'counts/s';
  if (comparison === undefined || spectra.length < 2) return unit;
  const { kind } = comparison;
  switch (kind) {
    case 'normalise':
      return `${unit} (normalised)`;
    case 'offset':
      return `${unit} (raised)`;
    case 'subtract':
      return `difference of ${unit}`;
    case 'ratio':
      return 'ratio';
    default:
      return kind satisfies never;
  }
}
