/**
 * The list of alarms in the dialog of trends: condition, state, acknowledging by name, removing.
 * `trend-plot.ts` inserts it. Changes only its own element; reads and writes the name of the person
 * in the browser's storage.
 */
import { conditionText, stateText, valueText } from '../view/alarm-text.js';
import { momentText } from '../view/moment.js';
import { isTrendName, type AlarmView } from '../wire/trends.js';
import { element, keepFocus, setText } from './dom.js';
import { labelled, textInput } from './form-fields.js';

const STORAGE_KEY = 'mirrorflow-name';

export interface AlarmListActions {
  acknowledge(alarm: string, by: string): void;
  remove(alarm: string): void;
}

export class AlarmList {
  readonly element: HTMLElement;
  readonly #actions: AlarmListActions;
  readonly #list = element('ul', {});
  readonly #name = textInput(storedName(), { 'data-key': 'your-name', maxlength: '60' });
  readonly #hint = element('span', { class: 'problem', role: 'status' });

  constructor(actions: AlarmListActions) {
    this.#actions = actions;
    this.element = element(
      'div',
      {},
      element('p', {}, labelled('Your name, for acknowledging ', this.#name), ' ', this.#hint),
      this.#list,
    );
  }

  show(alarms: Readonly<Record<string, AlarmView>>): void {
    const entries = Object.entries(alarms).sort(
      ([one, { raised }], [other, { raised: otherRaised }]) =>
        Number(otherRaised) - Number(raised) || one.localeCompare(other),
    );
    keepFocus(this.#list, () =>
      this.#list.replaceChildren(
        ...entries.map(([name, view]) => this.#item(name, view)),
        ...(entries.length === 0 ? [element('li', {}, 'There are no alarms.')] : []),
      ),
    );
  }

  #item(name: string, view: AlarmView): HTMLElement {
    const { raised, acknowledged, sinceMs, rule, value } = view;
    const button = (text: string, run: () => void): HTMLElement =>
      element(
        'button',
        { type: 'button', 'aria-label': `${text} ${name}`, 'data-key': `${text} ${name}`, onclick: run },
        text,
      );
    const measured = value === undefined ? '' : ` at ${valueText(value)}`;
    return element(
      'li',
      { class: raised ? 'raised' : '' },
      element('strong', {}, name),
      element('span', { class: 'what' }, conditionText(rule.condition)),
      element('span', { class: 'state' }, `${stateText(view)}${measured} since ${momentText(sinceMs)}`),
      raised && acknowledged === undefined ? button('Acknowledge', () => this.#acknowledge(name)) : undefined,
      button('Remove', () => this.#actions.remove(name)),
    );
  }

  #acknowledge(alarm: string): void {
    const by = this.#name.value.trim();
    if (!isTrendName(by)) {
      setText(this.#hint, 'Type your name first.');
      this.#name.focus();
      return;
    }
    setText(this.#hint, '');
    try {
      localStorage.setItem(STORAGE_KEY, by);
    } catch {
      // Without storage it is typed again next time.
    }
    this.#actions.acknowledge(alarm, by);
  }
}

function storedName(): string {
  try {
    return localStorage.getItem(STORAGE_KEY) ?? '';
  } catch {
    return '';
  }
}
