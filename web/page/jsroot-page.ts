/**
 * The document that draws the spectra of one plot with JSROOT, once: `jsroot.html` loads it after
 * the script of JSROOT. The menu of a plot opens it. Reads the counts, fills the document.
 */
import type { SavedSpectrum } from '../../plotting/files/saved-spectrum.js';
import { binned } from '../view/jsroot-bins.js';
import { momentText } from '../view/moment.js';
import { selectBox, setText } from './dom.js';
import { readCounts } from './jsroot-counts.js';
import { drawHistograms } from './jsroot-histogram.js';

/** Options of JSROOT's `draw`, with their texts; the first is shown at opening. */
const HISTOGRAM_VIEWS = [
  ['hist', 'Histogram'],
  ['hist logy', 'Histogram, logarithmic'],
] as const;
const MAP_VIEWS = [
  ['lego2', 'Lego'],
  ['surf2', 'Surface'],
  ['lego2 logz', 'Lego, logarithmic'],
  ['colz', 'Colours'],
  ['colz logz', 'Colours, logarithmic'],
] as const;
type View = (typeof HISTOGRAM_VIEWS | typeof MAP_VIEWS)[number][0];

/** Bins of an axis of a 3-D picture; more are smaller than a pixel and take seconds to draw. */
const BINS_3D_MAX = 128;
const PLACE = 'drawing';

function part(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the document has no element ${id}`);
  return found;
}

async function show(spectra: readonly SavedSpectrum[], view: View): Promise<void> {
  const is3d = view.startsWith('lego') || view.startsWith('surf');
  const [map] = spectra;
  const bins = is3d && map !== undefined ? binned(map, BINS_3D_MAX) : undefined;
  const grouped = bins !== undefined && (bins.xgroup > 1 || bins.ygroup > 1);
  setText(part('bins'), grouped ? `Each bin is the sum of ${bins.xgroup} × ${bins.ygroup} channels.` : '');
  await drawHistograms(PLACE, bins === undefined ? spectra : [bins.spectrum], view);
  part(PLACE).dataset['view'] = view;
}

async function start(): Promise<void> {
  const read = await readCounts(location.search);
  const [first] = read;
  if (first === undefined) throw new Error('There are no spectra to draw.');
  // Maps have no overlays; histograms are not drawn over a map.
  const isMap = first.y !== undefined;
  const spectra = isMap ? [first] : read.filter(({ y }) => y === undefined);
  const names = spectra.map(({ name }) => name).join(', ');
  document.title = `${names} · JSROOT`;
  setText(part('names'), names);
  setText(part('time'), first.atMs === 0 ? '' : `Counts of ${momentText(first.atMs)}`);
  const views: readonly (readonly [View, string])[] = isMap ? MAP_VIEWS : HISTOGRAM_VIEWS;
  const chosen: View = views[0]?.[0] ?? 'hist';
  part('views').append(selectBox('View', views, chosen, (view) => run(() => show(spectra, view))));
  await show(spectra, chosen);
}

let last = Promise.resolve();

/** Runs one after the other; the document shows why the last failed. */
function run(act: () => Promise<void>): void {
  last = last.then(act).then(
    () => setText(part('problem'), ''),
    (error: unknown) => setText(part('problem'), error instanceof Error ? error.message : String(error)),
  );
}

run(start);
