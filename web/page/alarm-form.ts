/**
 * The form of a new alarm: its condition, its minimum times and its name. `trend-plot.ts` inserts
 * it and sends what it gives. Changes only its own element.
 */
import type { AlarmCondition, AlarmRule } from '../wire/trends.js';
import { TREND_NAME_CHARACTERS_MAX } from '../wire/trends.js';
import { element, selectBox } from './dom.js';
import { labelled, numberInput, numberOf, setShown, textInput } from './form-fields.js';

type Kind = AlarmCondition['kind'];

const KINDS: readonly (readonly [Kind, string])[] = [
  ['above', 'a trend is above a limit'],
  ['below', 'a trend is below a limit'],
  ['outside', 'a trend is outside two limits'],
  ['unchanged', 'a trend does not change'],
  ['moved', 'a peak has moved'],
  ['stale', 'the source sends no data'],
  ['run-ended', 'the run has ended'],
];
const DEFAULT_TIMES_S = { raise: 10, clear: 10 };
const DEFAULT_DEVIATIONS = 5;

export function alarmForm(
  trends: readonly string[],
  shown: string | undefined,
  save: (name: string, rule: AlarmRule) => void,
): HTMLElement {
  const kind = selectBox<Kind>('Raise when', KINDS, 'below', () => update());
  const trend = selectBox(
    'Trend',
    trends.map((name) => [name, name] as const),
    shown ?? trends[0] ?? '',
    () => undefined,
  );
  const limit = numberInput(undefined);
  const low = numberInput(undefined);
  const high = numberInput(undefined);
  const hysteresis = numberInput(0, 0);
  const reference = numberInput(undefined);
  const deviations = numberInput(DEFAULT_DEVIATIONS, 0);
  const raiseAfter = numberInput(DEFAULT_TIMES_S.raise, 0);
  const clearAfter = numberInput(DEFAULT_TIMES_S.clear, 0);
  const name = textInput('', { maxlength: String(TREND_NAME_CHARACTERS_MAX) });
  const update = (): void => {
    const chosen = kind.value as Kind;
    setShown(trend, chosen !== 'stale' && chosen !== 'run-ended');
    setShown(limit, chosen === 'above' || chosen === 'below');
    for (const input of [low, high]) setShown(input, chosen === 'outside');
    setShown(hysteresis, ['above', 'below', 'outside'].includes(chosen));
    for (const input of [reference, deviations]) setShown(input, chosen === 'moved');
  };
  const condition = (): AlarmCondition => {
    const chosen = kind.value as Kind;
    const common = { trend: trend.value, hysteresis: numberOf(hysteresis) };
    switch (chosen) {
      case 'above':
      case 'below':
        return { kind: chosen, ...common, limit: numberOf(limit) };
      case 'outside':
        return { kind: chosen, ...common, low: numberOf(low), high: numberOf(high) };
      case 'unchanged':
        return { kind: chosen, trend: trend.value };
      case 'moved':
        return {
          kind: chosen,
          trend: trend.value,
          reference: numberOf(reference),
          deviations: numberOf(deviations),
        };
      case 'stale':
      case 'run-ended':
        return { kind: chosen };
      default:
        return chosen satisfies never;
    }
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const [raiseAfterS, clearAfterS] = [numberOf(raiseAfter), numberOf(clearAfter)];
    save(name.value.trim(), { condition: condition(), raiseAfterS, clearAfterS });
  };
  const form = element(
    'form',
    { class: 'fields', onsubmit: submit, 'aria-label': 'New alarm' },
    labelled('Raise when', kind),
    labelled('Trend', trend),
    labelled('Limit', limit),
    labelled('Low', low),
    labelled('High', high),
    labelled('Hysteresis', hysteresis),
    labelled('Reference', reference),
    labelled('Standard deviations', deviations),
    labelled('Raise after, s', raiseAfter),
    labelled('Clear after, s', clearAfter),
    labelled('Name', name),
    element('button', { class: 'primary' }, 'Add alarm'),
  );
  update();
  return form;
}
