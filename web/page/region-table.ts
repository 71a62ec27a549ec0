/**
 * The table below a plot with the figures of its regions: name, limits, counts, net counts,
 * centroid, width, rate, each with its uncertainty; what is fitted, and the fit. Names and limits
 * can be typed. `PlotRegions` creates it. Creates elements; changes the plot only by its callbacks.
 */
import {
  BACKGROUND_NAMES,
  MODEL_NAMES,
  type BackgroundName,
  type ModelName,
} from '../../analysis/model/names.js';
import {
  DEFAULT_FIT,
  FIT_PEAKS_MAX,
  regionName,
  type PlotRegion,
  type RegionFit,
} from '../view/region-spec.js';
import type { RegionCells } from '../view/region-cells.js';
import { element, keepFocus, selectBox, setText } from './dom.js';
import type { CopyFormat } from './region-fits.js';

/** What the table shows of one region. */
export interface RegionRow {
  readonly region: PlotRegion;
  readonly colour: string;
  readonly limits: readonly [low: string, high: string];
  /** Undefined before the first answer. */
  readonly cells: RegionCells | undefined;
  readonly fitLines: readonly string[];
  readonly selected: boolean;
}

export interface RegionTableEvents {
  /** Undefined removes the region. */
  changed(index: number, region: PlotRegion | undefined): void;
  /** Returns false for limits that are no range. */
  limitsTyped(index: number, low: string, high: string): boolean;
  selected(index: number): void;
  copied(index: number, format: CopyFormat): void;
}

const COLUMNS = [
  ['gross', 'Gross', 'all counts'],
  ['background', 'Background', "a straight line through the counts of the region's edges"],
  ['net', 'Net', 'gross less background'],
  ['centroid', 'Centroid', 'first moment of the net counts'],
  ['fwhm', 'FWHM (moments)', '2.355 standard deviations of the net counts'],
  ['rate', 'Rate', 'counts per second of the last 10 s'],
] as const;

const MODEL_LABELS: Readonly<Record<ModelName, string>> = {
  gauss: 'Gauss',
  germanium: 'Germanium',
  emg: 'Alpha (EMG)',
  none: 'Background only',
};

const BACKGROUND_LABELS: Readonly<Record<BackgroundName, string>> = {
  none: 'no background',
  '0': 'constant',
  '1': 'line',
  '2': 'parabola',
  '3': 'cubic',
  exponential: 'exponential',
};

export class RegionTable {
  readonly element = element('div', { class: 'regions' });
  readonly #events: RegionTableEvents;
  /** What the elements were built from; texts change without building them again. */
  #built = '';

  constructor(events: RegionTableEvents) {
    this.#events = events;
  }

  /** `spectra`: names to choose from, one for a plot without overlays. */
  update(rows: readonly RegionRow[], spectra: readonly string[]): void {
    this.element.hidden = rows.length === 0;
    const built = JSON.stringify([
      rows.map(({ region, colour, limits }) => [region, colour, limits]),
      spectra,
    ]);
    if (built !== this.#built) {
      this.#built = built;
      keepFocus(this.element, () =>
        this.element.replaceChildren(...(rows.length === 0 ? [] : [this.#table(rows, spectra)])),
      );
    }
    rows.forEach((row, index) => this.#updateTexts(row, index));
  }

  #table(rows: readonly RegionRow[], spectra: readonly string[]): HTMLElement {
    return element(
      'table',
      {},
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          element('th', {}, 'Region'),
          element('th', {}, 'From – to'),
          ...COLUMNS.map(([, text, title]) => element('th', { title }, text)),
          element('th', {}, 'Fit'),
          element('td', {}),
        ),
      ),
      ...rows.map((row, index) => this.#body(row, index, spectra)),
    );
  }

  #body(row: RegionRow, index: number, spectra: readonly string[]): HTMLElement {
    const { region, colour } = row;
    const chip = element('span', { class: 'chip' });
    chip.style.background = colour;
    const name = element('input', {
      class: 'region-name',
      'aria-label': 'Name of the region',
      value: region.name,
    });
    name.addEventListener('change', () => {
      const next = regionName(name.value);
      if (next === '') name.value = region.name;
      else this.#events.changed(index, { ...region, name: next });
    });
    const spectrum =
      spectra.length < 2
        ? undefined
        : selectBox(
            'Spectrum of the region',
            spectra.map((text, at) => [String(at), text] as const),
            String(region.spectrum),
            (value) => this.#events.changed(index, { ...region, spectrum: Number(value) }),
          );
    const remove = element(
      'button',
      {
        type: 'button',
        class: 'icon',
        'aria-label': `Remove region ${region.name}`,
        onclick: () => this.#events.changed(index, undefined),
      },
      '×',
    );
    const body = element(
      'tbody',
      { class: 'region', 'data-region': region.name, onclick: () => this.#events.selected(index) },
      element(
        'tr',
        {},
        element('th', { scope: 'row' }, chip, name, spectrum),
        element('td', { class: 'region-limits' }, ...this.#limitInputs(row, index)),
        ...COLUMNS.map(([key]) => element('td', { class: `region-${key}` })),
        element('td', { class: 'region-fit' }, ...this.#fitControls(region, index)),
        element('td', {}, remove),
      ),
      ...(region.fit === undefined ? [] : [this.#fitRow(region.name, index)]),
    );
    // Names of the controls that a change of the region's name does not change.
    for (const control of body.querySelectorAll<HTMLElement>('input, select, button')) {
      const label = control.getAttribute('aria-label') ?? '';
      control.dataset['key'] = `${index} ${label.replace(region.name, '')}`;
    }
    return body;
  }

  #limitInputs({ limits, region }: RegionRow, index: number): (Node | string)[] {
    const input = (label: string, value: string): HTMLInputElement =>
      element('input', { 'aria-label': `${label} of region ${region.name}`, inputmode: 'decimal', value });
    const [low, high] = [input('Lower limit', limits[0]), input('Upper limit', limits[1])];
    for (const field of [low, high]) {
      field.addEventListener('change', () => {
        if (this.#events.limitsTyped(index, low.value, high.value)) return;
        [low.value, high.value] = limits;
      });
    }
    return [low, ' – ', high];
  }

  #fitControls(region: PlotRegion, index: number): HTMLElement[] {
    if (region.y !== undefined) return [];
    const { fit } = region;
    const change = (next: RegionFit | undefined): void =>
      this.#events.changed(index, { ...region, fit: next });
    const model = selectBox(
      `Fit of region ${region.name}`,
      [['off', 'No fit'] as const, ...MODEL_NAMES.map((name) => [name, MODEL_LABELS[name]] as const)],
      fit?.model ?? 'off',
      (value) => {
        if (value === 'off') return change(undefined);
        const next = { ...(fit ?? DEFAULT_FIT), model: value };
        change(value === 'none' && next.background === 'none' ? { ...next, background: '1' } : next);
      },
    );
    if (fit === undefined) return [model];
    const background = selectBox(
      `Background of region ${region.name}`,
      BACKGROUND_NAMES.filter((name) => name !== 'none' || fit.model !== 'none').map(
        (name) => [name, BACKGROUND_LABELS[name]] as const,
      ),
      fit.background,
      (value) => change({ ...fit, background: value }),
    );
    if (fit.model === 'none') return [model, background];
    const peaks = selectBox(
      `Peaks of region ${region.name}`,
      Array.from({ length: FIT_PEAKS_MAX * 2 - 1 }, (_, at) => {
        const count = at < FIT_PEAKS_MAX ? at + 1 : at - FIT_PEAKS_MAX + 2;
        const free = at >= FIT_PEAKS_MAX;
        const text = count === 1 ? '1 peak' : `${count} peaks${free ? ', free widths' : ''}`;
        return [`${count}${free ? 'f' : ''}`, text] as const;
      }),
      `${fit.peaks}${fit.freeWidths && fit.peaks > 1 ? 'f' : ''}`,
      (value) => change({ ...fit, peaks: Number.parseInt(value, 10), freeWidths: value.endsWith('f') }),
    );
    return [model, background, peaks];
  }

  #fitRow(name: string, index: number): HTMLElement {
    const copy = (format: CopyFormat): HTMLElement =>
      element(
        'button',
        {
          type: 'button',
          'aria-label': `Copy the fit of region ${name} as ${format}`,
          onclick: () => this.#events.copied(index, format),
        },
        format === 'text' ? 'Copy' : format.toUpperCase(),
      );
    return element(
      'tr',
      {},
      element(
        'td',
        { class: 'fit-text', colspan: String(COLUMNS.length + 4) },
        element('output', { 'aria-live': 'off' }),
        copy('text'),
        copy('csv'),
        copy('json'),
      ),
    );
  }

  #updateTexts({ cells, fitLines, selected }: RegionRow, index: number): void {
    const body = this.element.querySelectorAll('tbody')[index];
    if (body === undefined) return;
    body.classList.toggle('is-selected', selected);
    for (const [key] of COLUMNS) {
      const cell = body.querySelector(`.region-${key}`);
      if (cell !== null) setText(cell, cells?.[key] ?? '…');
    }
    const output = body.querySelector('.fit-text output');
    if (output !== null) setText(output, fitLines.join('\n'));
  }
}
