/**
 * What the menu of a plot offers, by the kind of its spectrum. The bar (`plot-bar.ts`) shows it
 * when the menu opens. Changes the plot only through `PlotHandle`, the board through `PlotActions`.
 */
import type { PlotSpec } from '../view/plot-spec.js';
import { showCalibration } from './calibration-dialog.js';
import type { MenuItem } from './menu.js';
import { dialogItems } from './plot-dialog-items.js';
import { fileItems } from './plot-file-items.js';
import type { PlotActions, PlotHandle } from './plot-interface.js';
import { momentItems } from './plot-moment-items.js';
import { PlotSelects } from './plot-selects.js';

export function plotMenu(plot: PlotHandle, actions: PlotActions): readonly (MenuItem | HTMLElement)[] {
  const selects = new PlotSelects(plot);
  selects.update();
  const item = (text: string, run: () => void, applies = true): readonly MenuItem[] =>
    applies ? [{ text, run }] : [];
  const { spec } = plot;
  const isHistogram = plot.isOneDimensional && spec.projection === undefined;
  const isMap = plot.info?.dimensions === 2 && spec.projection === undefined;
  return [
    selects.element,
    ...item('Zoom back', () => plot.zoomBack(), plot.canZoomBack),
    ...item('Show all channels', () => plot.change({ x: undefined, y: undefined })),
    ...item('Remove all regions', () => plot.change({ regions: [] }), spec.regions.length > 0),
    ...item('Find peaks', () => plot.peaks.show(), isHistogram && !plot.peaks.shown),
    ...item('Hide peaks', () => plot.peaks.hide(), isHistogram && plot.peaks.shown),
    ...item('Calibrate …', () => showCalibration(plot), isHistogram),
    ...item('Trends and alarms …', () => plot.showTrends()),
    ...item('Project onto x and y', () => actions.add([onto('x', spec), onto('y', spec)]), isMap),
    ...item('New slice', () => plot.gates.begin('slice'), plot.isOneDimensional),
    ...item('New contour', () => plot.gates.begin('contour'), isMap),
    ...item('New band', () => plot.gates.begin('band'), isMap),
    ...item(
      'Only the first spectrum',
      () => plot.change({ spectra: spec.spectra.slice(0, 1) }),
      spec.spectra.length > 1,
    ),
    ...momentItems(plot, actions),
    ...item('Remember this moment', () => void plot.rememberMoment(), plot.momentMs === undefined),
    ...item('Show all counts', () => plot.change({ sinceMs: undefined }), spec.sinceMs !== undefined),
    ...dialogItems(plot, actions),
    ...item('Same scale and range for all plots', () => actions.share()),
    ...item('Move left', () => actions.move(-1)),
    ...item('Move right', () => actions.move(1)),
    ...fileItems(plot, actions),
  ];
}

/** The first region, or else the visible part, is the band that the projection sums. */
function onto(projection: 'x' | 'y', spec: PlotSpec): PlotSpec {
  return {
    ...spec,
    projection,
    within: undefined,
    look: { ...spec.look, low: undefined, high: undefined, threshold: undefined },
    band: projection === 'x' ? (spec.regions[0]?.y ?? spec.y) : (spec.regions[0]?.x ?? spec.x),
    x: projection === 'x' ? spec.x : spec.y,
    y: undefined,
    regions: [],
    scale: undefined,
  };
}
