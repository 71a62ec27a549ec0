/**
 * What the menu of a plot offers with the recording: the difference to the moment that is shown,
 * its counts as an overlay, and trends over the recorded time. `plot-menu.ts` calls it. Changes the
 * plot only through `PlotHandle`, the board through `PlotActions`.
 */
import { momentText, nameAtMoment, spectrumAtMoment, timelineRange } from '../view/moment.js';
import { OVERLAYS_MAX } from '../view/plot-spec.js';
import type { MenuItem } from './menu.js';
import { withFiles } from './plot-file-items.js';
import type { PlotActions, PlotHandle } from './plot-interface.js';

export function momentItems(plot: PlotHandle, actions: PlotActions): readonly MenuItem[] {
  return [...comparisons(plot), ...trends(plot, actions)];
}

/** Compared with the present: the page goes back to live. */
function comparisons(plot: PlotHandle): readonly MenuItem[] {
  const { spec, momentMs } = plot;
  const items: MenuItem[] = [];
  if (momentMs === undefined) return items;
  items.push({
    text: 'Difference to this moment',
    run: () => {
      plot.change({ sinceMs: momentMs, rateS: undefined });
      plot.showLive();
      plot.notices.show(`The counts since ${momentText(momentMs)}, live.`);
    },
  });
  const [first = ''] = spec.spectra;
  const overlay = nameAtMoment(spectrumAtMoment(first).spectrum, momentMs);
  const hasRoom = spec.spectra.length < OVERLAYS_MAX && !spec.spectra.includes(overlay);
  if (!plot.isOneDimensional || !hasRoom) return items;
  items.push({
    text: 'This moment as an overlay',
    run: () => {
      plot.change({ spectra: [...spec.spectra, overlay] });
      plot.showLive();
      plot.notices.show(`Live, with the counts of ${momentText(momentMs)}.`);
    },
  });
  return items;
}

function trends(plot: PlotHandle, actions: PlotActions): readonly MenuItem[] {
  const { spec, timeline } = plot;
  const range = timeline === undefined ? undefined : timelineRange(timeline);
  const [first] = spec.spectra;
  if (range === undefined || first === undefined || spec.projection !== undefined) return [];
  const spectrum = spectrumAtMoment(first).spectrum;
  if (plot.saved.has(spectrum)) return [];
  const item = (what: string, region: (typeof spec.regions)[number] | undefined): MenuItem => ({
    text: `Trend of ${what}`,
    run: () =>
      void withFiles(plot, (files) => files.showTrend(plot, actions, { spectrum, what, region, range })),
  });
  const regions = spec.regions.filter((region) => region.spectrum === 0);
  return [item('the sum', undefined), ...regions.map((region) => item(`region ${region.name}`, region))];
}
