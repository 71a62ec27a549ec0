/**
 * The form of a new trend: what it measures, its name and thresholds. `trend-plot.ts` inserts it
 * and sends what it gives. Changes only its own element.
 */
import type { Trend, TrendSource } from '../wire/trends.js';
import { THRESHOLDS_MAX, TREND_NAME_CHARACTERS_MAX } from '../wire/trends.js';
import { element, selectBox } from './dom.js';
import { labelled, numberInput, numberOf, setShown, textInput } from './form-fields.js';

type Kind = TrendSource['kind'];

const KINDS: readonly (readonly [Kind, string])[] = [
  ['spectrum', 'Rate of a spectrum'],
  ['gate', 'Rate in a gate'],
  ['peak', 'Centroid of a peak'],
  ['scaler', 'Rate of a scaler'],
];

export interface TrendFormParts {
  readonly spectra: readonly string[];
  readonly gates: readonly string[];
  readonly source: TrendSource | undefined;
  readonly save: (name: string, trend: Trend) => void;
}

export function trendForm({ spectra, gates, source, save }: TrendFormParts): HTMLElement {
  const x = source !== undefined && 'x' in source ? source.x : undefined;
  const y = source !== undefined && 'y' in source ? source.y : undefined;
  const name = textInput(suggestedName(source), { maxlength: String(TREND_NAME_CHARACTERS_MAX) });
  const kind = selectBox<Kind>('Measures', KINDS, source?.kind ?? 'spectrum', () => update());
  const list = (id: string, names: readonly string[]): HTMLElement =>
    element('datalist', { id }, ...names.map((value) => element('option', { value })));
  const spectrum = textInput(source !== undefined && 'spectrum' in source ? source.spectrum : spectra[0], {
    list: 'trend-spectra',
  });
  const gate = textInput(gates[0], { list: 'trend-gates' });
  const first = numberInput(x?.[0], 0);
  const last = numberInput(x === undefined ? undefined : x[1] - 1, 0);
  const flow = textInput('scalers');
  const field = textInput('');
  const thresholds = textInput('', { placeholder: '100, 2000' });
  thresholds.required = false;
  const hint = element('p', { class: 'problem', role: 'status' });
  const update = (): void => {
    const chosen = kind.value as Kind;
    for (const input of [spectrum]) setShown(input, chosen !== 'scaler');
    for (const input of [first, last]) {
      setShown(input, chosen === 'spectrum' || chosen === 'peak');
      input.required = chosen === 'peak';
    }
    setShown(gate, chosen === 'gate');
    for (const input of [flow, field]) setShown(input, chosen === 'scaler');
  };
  const sourceOf = (): TrendSource => {
    const range = [numberOf(first), numberOf(last) + 1] as const;
    switch (kind.value as Kind) {
      case 'gate':
        return { kind: 'gate', spectrum: spectrum.value, gate: gate.value };
      case 'peak':
        return { kind: 'peak', spectrum: spectrum.value, x: range };
      case 'scaler':
        return { kind: 'scaler', flow: flow.value, field: field.value };
      default: {
        const isWhole = first.value === '' && last.value === '';
        const part = isWhole ? {} : { x: range, ...(y === undefined ? {} : { y }) };
        return { kind: 'spectrum', spectrum: spectrum.value, ...part };
      }
    }
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const lines = thresholds.value.split(/[\s,;]+/).filter((text) => text !== '');
    const numbers = lines.map(Number);
    if (numbers.length > THRESHOLDS_MAX || !numbers.every(Number.isFinite)) {
      hint.textContent = `Thresholds are up to ${THRESHOLDS_MAX} numbers, with commas between them.`;
      return;
    }
    hint.textContent = '';
    save(name.value.trim(), { source: sourceOf(), thresholds: numbers });
  };
  const form = element(
    'form',
    { class: 'fields', onsubmit: submit, 'aria-label': 'New trend' },
    labelled('Measures', kind),
    labelled('Spectrum', spectrum),
    labelled('Gate', gate),
    labelled('First channel', first),
    labelled('Last channel', last),
    labelled('Flow', flow),
    labelled('Field', field),
    labelled('Thresholds', thresholds),
    labelled('Name', name),
    element('button', { class: 'primary' }, 'Add trend'),
    list('trend-spectra', spectra),
    list('trend-gates', gates),
    hint,
  );
  update();
  return form;
}

function suggestedName(source: TrendSource | undefined): string {
  if (source === undefined || !('spectrum' in source)) return '';
  const part = 'x' in source && source.x !== undefined ? ` ${source.x[0]}–${source.x[1] - 1}` : '';
  return `${source.spectrum}${part}`.slice(0, TREND_NAME_CHARACTERS_MAX);
}
