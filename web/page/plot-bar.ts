/** The line above a plot: names, scale, axis, what is counted, and the menu of everything else. */
import type { PlotSpec } from '../view/plot-spec.js';
import { SCALE_NAMES, type ScaleName } from '../../plotting/scale.js';
import { RATE_WINDOWS_S } from '../wire/messages.js';
import { choice, element } from './dom.js';
import { exportCsv, exportJson, exportPng } from './export.js';
import { currentPalette } from './theme.js';
import type { Plot } from './plot.js';

const SCALE_LABELS: Readonly<Record<ScaleName, string>> = { linear: 'Linear', log: 'Log', sqrt: 'Root' };

/** What a plot asks of its board. */
export interface PlotActions {
  changed(): void;
  remove(): void;
  move(by: -1 | 1): void;
  /** Further plots behind this one. */
  add(plots: readonly PlotSpec[]): void;
}

export function plotBar(plot: Plot, actions: PlotActions): HTMLElement[] {
  const { spec } = plot;
  const title = element('h2', { class: 'plot-title', draggable: 'true', title: 'Drag to another place' });
  const palette = currentPalette();
  const projected = spec.projection === undefined ? '' : ` · onto ${spec.projection}`;
  spec.spectra.forEach((name, index) => {
    const chip = element('span', { class: 'chip' });
    chip.style.background = palette.series[index % palette.series.length] ?? '';
    title.append(...(spec.spectra.length > 1 ? [chip] : []), element('span', {}, name + projected));
  });
  return [
    title,
    element(
      'div',
      { class: 'plot-tools' },
      choice(
        'Scale of counts',
        SCALE_NAMES.map((scale) => [scale, SCALE_LABELS[scale]] as const),
        plot.scale,
        (scale) => plot.change({ scale }),
      ),
      choice(
        'What is counted',
        [
          ['all', 'All counts'],
          ...RATE_WINDOWS_S.map((window) => [String(window), `Last ${window} s`] as const),
        ],
        String(spec.rateS ?? 'all'),
        (value) => plot.change({ rateS: RATE_WINDOWS_S.find((window) => String(window) === value) }),
      ),
      choice(
        'Axis',
        [
          ['units', 'Units'],
          ['channels', 'Channels'],
        ],
        spec.channels ? 'channels' : 'units',
        (value) => plot.change({ channels: value === 'channels' }),
      ),
      menu(plot, actions),
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

function menu(plot: Plot, actions: PlotActions): HTMLElement {
  const details = element('details', { class: 'menu' });
  const item = (text: string, act: () => void): HTMLElement =>
    element(
      'button',
      {
        type: 'button',
        onclick: () => {
          details.open = false;
          act();
        },
      },
      text,
    );
  const { spec } = plot;
  const onto = (projection: 'x' | 'y'): PlotSpec => ({
    ...spec,
    projection,
    band: projection === 'x' ? (spec.region?.y ?? spec.y) : (spec.region?.x ?? spec.x),
    x: projection === 'x' ? spec.x : spec.y,
    y: undefined,
    region: undefined,
    scale: undefined,
  });
  const map = plot.info?.dimensions === 2 && spec.projection === undefined;
  details.append(
    element('summary', { 'aria-label': 'More', title: 'More' }, '⋯'),
    element(
      'div',
      { class: 'menu-items', role: 'group' },
      item('Show everything', () => plot.change({ x: undefined, y: undefined })),
      ...(spec.region === undefined
        ? []
        : [item('Remove the region', () => plot.change({ region: undefined }))]),
      ...(map ? [item('Project onto x and y', () => actions.add([onto('x'), onto('y')]))] : []),
      ...(spec.spectra.length > 1
        ? [item('Only the first spectrum', () => plot.change({ spectra: spec.spectra.slice(0, 1) }))]
        : []),
      item('Move left', () => actions.move(-1)),
      item('Move right', () => actions.move(1)),
      item('Save as PNG', () => exportPng(plot)),
      item('Save as CSV', () => exportCsv(plot)),
      item('Save as JSON', () => exportJson(plot)),
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
