/**
 * The sum of a spectrum or region over the recorded time as a plot of its own. Part of the script
 * that is loaded at the first use (`plot-files.ts`). Asks the server (`/api/recorded-trend`) and
 * keeps the answer with the saved spectra of the page.
 */
import { momentText } from '../view/moment.js';
import { defaultPlot } from '../view/plot-spec.js';
import { rangeText, type PlotRegion } from '../view/region-spec.js';
import { trendSpectrum } from '../view/trend.js';
import { savedFrame } from '../view/saved-frame.js';
import type { PlotActions, PlotHandle } from './plot-interface.js';

export interface TrendChoice {
  readonly spectrum: string;
  /** For people: `the sum`, `region A`. */
  readonly what: string;
  readonly region: PlotRegion | undefined;
  readonly range: readonly [startMs: number, endMs: number];
}

interface TrendAnswer {
  readonly sums?: readonly (number | null)[];
  readonly error?: { readonly message: string };
}

/** Throws with the server's reason. */
export async function showTrend(
  plot: PlotHandle,
  actions: PlotActions,
  { spectrum, what, region, range }: TrendChoice,
): Promise<void> {
  const [from, to] = range;
  plot.notices.show(`Reading ${what} of ${spectrum} since ${momentText(from)} …`);
  const words = new URLSearchParams({ app: plot.app ?? '', spectrum, from: String(from), to: String(to) });
  if (region !== undefined) words.set('x', rangeText(region.x));
  if (region?.y !== undefined) words.set('y', rangeText(region.y));
  const response = await fetch(`/api/recorded-trend?${words.toString()}`);
  const { sums, error } = (await response.json()) as TrendAnswer;
  if (sums === undefined) throw new Error(error?.message ?? `the server answered ${response.status}`);
  if (sums.every((sum) => sum === null)) throw new Error(`${spectrum} was not recorded.`);
  const title = `${spectrum}: trend of ${what}`;
  const content = savedFrame(trendSpectrum(title, sums, range), title);
  actions.add([defaultPlot(plot.saved.add(title, content))]);
  plot.notices.close();
}
