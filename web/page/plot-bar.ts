/**
 * The bar above a plot: names of its spectra, select boxes for scale, time window and axis, and the
 * menu with everything else. `Plot` builds it again after every change of its settings. Creates
 * elements; changes the plot only through `PlotHandle`, the board through `PlotActions`.
 */
import type { PlotSpec } from '../view/plot-spec.js';
import { SCALE_NAMES, type ScaleName } from '../../plotting/scale.js';
import { RATE_WINDOWS_S } from '../wire/messages.js';
import { showCalibration } from './calibration-dialog.js';
import { selectBox, element } from './dom.js';
import { downloadCsv, downloadJson, downloadPng } from './plot-download.js';
import { currentPalette } from './theme.js';
import type { PlotActions, PlotHandle } from './plot-interface.js';

const SCALE_LABELS: Readonly<Record<ScaleName, string>> = { linear: 'Linear', log: 'Log', sqrt: 'Root' };

export function plotBar(plot: PlotHandle, actions: PlotActions): HTMLElement[] {
  const { spec } = plot;
  const title = element('h2', { class: 'plot-title', draggable: 'true', title: 'Drag to move the plot' });
  const palette = currentPalette();
  const suffix = spec.projection === undefined ? '' : ` · onto ${spec.projection}`;
  spec.spectra.forEach((name, index) => {
    const chip = element('span', { class: 'chip' });
    chip.style.background = palette.series[index % palette.series.length] ?? '';
    title.append(...(spec.spectra.length > 1 ? [chip] : []), element('span', {}, name + suffix));
  });
  return [
    title,
    element(
      'div',
      { class: 'plot-tools' },
      selectBox(
        'Scale of counts',
        SCALE_NAMES.map((scale) => [scale, SCALE_LABELS[scale]] as const),
        plot.scale,
        (scale) => plot.change({ scale }),
      ),
      selectBox(
        'Counts',
        [
          ['all', 'All counts'],
          ...RATE_WINDOWS_S.map((window) => [String(window), `Per second, last ${window} s`] as const),
        ],
        String(spec.rateS ?? 'all'),
        (value) => plot.change({ rateS: RATE_WINDOWS_S.find((window) => String(window) === value) }),
      ),
      selectBox(
        'Axis',
        [
          ['units', 'Units'],
          ['channels', 'Channels'],
        ],
        spec.channels ? 'channels' : 'units',
        (value) => plot.change({ channels: value === 'channels' }),
      ),
      menuOf(plot, actions),
      element(
        'button',
        {
          type: 'button',
          class: 'icon',
          'aria-label': `Remove the plot of ${spec.spectra[0] ?? ''}`,
          title: 'Remove',
          onclick: () => actions.remove(),
        },
        '×',
      ),
    ),
  ];
}

function menuOf(plot: PlotHandle, actions: PlotActions): HTMLElement {
  const details = element('details', { class: 'menu' });
  const item = (text: string, action: () => void): HTMLElement =>
    element(
      'button',
      {
        type: 'button',
        onclick: () => {
          details.open = false;
          action();
        },
      },
      text,
    );
  const { spec } = plot;
  /** The first region, or else the visible part, is the band that the projection sums. */
  const projectionOnto = (projection: 'x' | 'y'): PlotSpec => ({
    ...spec,
    projection,
    band: projection === 'x' ? (spec.regions[0]?.y ?? spec.y) : (spec.regions[0]?.x ?? spec.x),
    x: projection === 'x' ? spec.x : spec.y,
    y: undefined,
    regions: [],
    scale: undefined,
  });
  const isMap = plot.info?.dimensions === 2 && spec.projection === undefined;
  details.append(
    element('summary', { 'aria-label': 'More', title: 'More' }, '⋯'),
    element(
      'div',
      { class: 'menu-items', role: 'group' },
      item('Show all channels', () => plot.change({ x: undefined, y: undefined })),
      ...(spec.regions.length === 0 ? [] : [item('Remove all regions', () => plot.change({ regions: [] }))]),
      ...(plot.isOneDimensional && spec.projection === undefined
        ? [
            plot.peaks.shown
              ? item('Hide peaks', () => plot.peaks.hide())
              : item('Find peaks', () => plot.peaks.show()),
            item('Calibrate …', () => showCalibration(plot)),
          ]
        : []),
      ...(isMap
        ? [item('Project onto x and y', () => actions.add([projectionOnto('x'), projectionOnto('y')]))]
        : []),
      ...(spec.spectra.length > 1
        ? [item('Only the first spectrum', () => plot.change({ spectra: spec.spectra.slice(0, 1) }))]
        : []),
      item('Move left', () => actions.move(-1)),
      item('Move right', () => actions.move(1)),
      item('Save as PNG', () => downloadPng(plot)),
      item('Save as CSV', () => downloadCsv(plot)),
      item('Save as JSON', () => downloadJson(plot)),
    ),
  );
  details.addEventListener('focusout', (event) => {
    if (!(event.relatedTarget instanceof Node) || !details.contains(event.relatedTarget))
      details.open = false;
  });
  details.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') details.open = false;
  });
  return details;
}
