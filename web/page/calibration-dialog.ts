/**
 * The dialog that calibrates the axis of a plot's first spectrum by peaks of known energy: the
 * fitted peaks of the plot's regions and typed places, with the lines of common sources to choose
 * from. The server calculates and keeps the calibration. The menu of `plot-bar.ts` opens it. Adds a
 * dialog to the document until it is closed; sends requests over HTTP.
 */
import type { Calibration } from '../../analysis/calibration/calibrate.js';
import { SOURCE_LINES } from '../../analysis/calibration/source-lines.js';
import { formatMeasured } from '../../plotting/measured.js';
import { element, selectBox, setText } from './dom.js';
import type { PlotHandle } from './plot-interface.js';

interface Answer extends Partial<Calibration> {
  readonly error?: { readonly message: string };
}

interface PointRow {
  readonly element: HTMLElement;
  readonly position: HTMLInputElement;
  readonly energy: HTMLInputElement;
  readonly error: number;
}

const LEAST_ROWS = 2;

export function showCalibration(plot: PlotHandle): void {
  const spectrum = plot.spec.spectra[0] ?? '';
  const rows: PointRow[] = [];
  const list = element('div', { class: 'calibration-points' });
  const addRow = (position = '', error = 0): void => {
    const row = pointRow(position, error);
    rows.push(row);
    list.append(row.element);
  };
  for (const { position, error } of plot.regions.fittedPlaces(0)) addRow(String(position), error);
  while (rows.length < LEAST_ROWS) addRow();
  let degree: '1' | '2' = '1';
  const unit = element('input', { 'aria-label': 'Unit of the energies', value: 'keV', size: '6' });
  const note = element('p', { class: 'hint', role: 'status' });
  const send = async (points: readonly object[]): Promise<void> => {
    const body = JSON.stringify({
      app: plot.app,
      spectrum,
      degree: Number(degree),
      unit: unit.value,
      points,
    });
    try {
      const response = await fetch('/api/calibration', { method: 'POST', body });
      setText(note, answerText((await response.json()) as Answer, points.length === 0));
    } catch {
      setText(note, 'The server of the web viewer does not answer.');
    }
  };
  const button = (text: string, onclick: () => void, style = ''): HTMLElement =>
    element('button', { type: 'button', class: style, onclick }, text);
  const dialog = element(
    'dialog',
    { class: 'help calibration', 'aria-label': 'Calibrate' },
    element('h2', {}, `Calibrate ${spectrum}`),
    element('p', {}, "Known energies of peaks; positions are in units of the spectrum's own axis."),
    element(
      'datalist',
      { id: 'source-lines' },
      ...SOURCE_LINES.flatMap(({ name, kev }) =>
        kev.map((energy) => element('option', { value: String(energy) }, `${name} ${energy} keV`)),
      ),
    ),
    list,
    element(
      'div',
      { class: 'calibration-tools' },
      button('Add a point', () => addRow()),
      selectBox(
        'Degree',
        [
          ['1', 'Linear'],
          ['2', 'Quadratic'],
        ],
        degree,
        (value) => (degree = value),
      ),
      unit,
      button('Calibrate', () => void send(pointsOf(rows)), 'primary'),
      button('Remove the calibration', () => void send([])),
    ),
    note,
    element('form', { method: 'dialog' }, element('button', {}, 'Close')),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function pointRow(place: string, error: number): PointRow {
  const position = element('input', { 'aria-label': 'Position', inputmode: 'decimal', value: place });
  const energy = element('input', { 'aria-label': 'Energy', inputmode: 'decimal', list: 'source-lines' });
  return { element: element('div', {}, position, ' is ', energy), position, energy, error };
}

/** Rows without an energy are left out. */
function pointsOf(rows: readonly PointRow[]): object[] {
  return rows.flatMap(({ position, energy, error }) =>
    energy.value.trim() === ''
      ? []
      : [{ position: Number(position.value), energy: Number(energy.value), ...(error > 0 ? { error } : {}) }],
  );
}

function answerText({ error, coefficients, errors, residuals }: Answer, removed: boolean): string {
  if (error !== undefined) return error.message;
  if (removed) return 'The calibration is removed.';
  const terms = (coefficients ?? []).map((coefficient, power) => {
    const value = formatMeasured(coefficient, errors?.[power]);
    return power === 0 ? value : `(${value}) x${power === 1 ? '' : '²'}`;
  });
  const largest = Math.max(0, ...(residuals ?? []).map(Math.abs));
  return `Energy = ${terms.join(' + ')}; largest residual ${Number(largest.toPrecision(3))}`;
}
