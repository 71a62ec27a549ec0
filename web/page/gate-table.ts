/**
 * The gates below a plot: a row of figures for each that is drawn on it, with a menu of what can be
 * done; and while one is drawn, a bar with its name and limits. `PlotGates` creates it. Creates
 * elements; changes gates only by its callbacks.
 */
import type { GateCells } from '../view/gate-cells.js';
import { element, keepFocus, setText } from './dom.js';
import type { MenuItem } from './menu.js';

export interface GateRow {
  readonly name: string;
  /** `pending`: sent, and not in SpecTcl's list yet. */
  readonly state: 'listed' | 'pending';
  /** Whether the gate decides which events the spectrum of the plot counts. */
  readonly applied: boolean;
  /** Undefined before the first figures. */
  readonly cells: GateCells | undefined;
}

/** The gate that is drawn. */
export interface GateBar {
  readonly title: string;
  readonly name: string;
  /** Whether the gate is for the page only: not sent to SpecTcl, without a name. */
  readonly isForPage: boolean;
  /** The name of a gate that SpecTcl has stays. */
  readonly isNameFixed: boolean;
  /** Limits of a slice, as typed. */
  readonly limits: readonly [low: string, high: string] | undefined;
  /** What to do next. */
  readonly hint: string;
  readonly canSend: boolean;
}

export interface GateTableEvents {
  /** The list was opened or closed. */
  toggled(): void;
  menuOf(name: string): readonly MenuItem[];
  named(name: string): void;
  /** Returns false for limits that are no numbers. */
  limitsTyped(low: string, high: string): boolean;
  send(): void;
  cancel(): void;
  undo(): void;
}

const COLUMNS = [
  ['counts', 'Counts', 'all counts inside the gate'],
  ['centroid', 'Centroid', 'mean place of these counts'],
  ['fwhm', 'FWHM (moments)', '2.355 standard deviations of these counts'],
  ['rate', 'Rate', 'counts per second of the last 10 s'],
] as const;

export class GateTable {
  readonly element = element('div', { class: 'gates', hidden: true });
  readonly #events: GateTableEvents;
  readonly #summary = element('summary', {});
  readonly #rows = element('tbody', {});
  readonly #undo = element('button', { type: 'button', hidden: true });
  readonly #details: HTMLDetailsElement;
  readonly #name = element('input', { 'aria-label': 'Name of the gate', maxlength: '127' });
  readonly #low = element('input', { 'aria-label': 'Lower limit of the gate', inputmode: 'decimal' });
  readonly #high = element('input', { 'aria-label': 'Upper limit of the gate', inputmode: 'decimal' });
  readonly #limits = element('span', {}, ' from ', this.#low, ' to ', this.#high);
  readonly #title = element('b', {});
  readonly #hint = element('span', { class: 'hint', role: 'status' });
  readonly #send = element('button', { class: 'primary' }, 'Send to SpecTcl');
  readonly #bar: HTMLFormElement;
  /** What the fields have shown of the gate last. */
  readonly #shown = new Map<HTMLInputElement, string>();
  #built = '';

  constructor(events: GateTableEvents) {
    this.#events = events;
    this.#undo.addEventListener('click', () => events.undo());
    this.#details = element(
      'details',
      { ontoggle: () => events.toggled() },
      this.#summary,
      element(
        'table',
        {},
        element(
          'thead',
          {},
          element(
            'tr',
            {},
            element('th', {}, 'Gate'),
            ...COLUMNS.map(([, text, title]) => element('th', { title }, text)),
            element('td', {}),
          ),
        ),
        this.#rows,
      ),
      this.#undo,
    );
    this.#bar = element(
      'form',
      {
        class: 'gate-bar',
        hidden: true,
        onsubmit: (event: SubmitEvent) => {
          event.preventDefault();
          events.send();
        },
      },
      this.#title,
      ' ',
      this.#name,
      this.#limits,
      ' ',
      this.#send,
      element('button', { type: 'button', onclick: () => events.cancel() }, 'Cancel'),
      ' ',
      this.#hint,
    );
    this.#name.addEventListener('input', () => events.named(this.#name.value));
    for (const field of [this.#low, this.#high]) {
      field.addEventListener('change', () => {
        if (!events.limitsTyped(this.#low.value, this.#high.value)) field.select();
      });
    }
    this.element.append(this.#bar, this.#details);
  }

  /** Whether the figures are visible. */
  get isOpen(): boolean {
    return this.#details.open;
  }

  open(): void {
    this.#details.open = true;
  }

  /** `undoable`: what the last change was. */
  update(rows: readonly GateRow[], bar: GateBar | undefined, undoable: string | undefined): void {
    this.element.hidden = rows.length === 0 && bar === undefined;
    this.#details.hidden = rows.length === 0;
    setText(this.#summary, rows.length === 1 ? '1 gate' : `${rows.length} gates`);
    this.#undo.hidden = undoable === undefined;
    setText(this.#undo, `Undo ${undoable ?? ''}`);
    this.#updateBar(bar);
    const built = rows.map(({ name }) => name).join('\n');
    if (built !== this.#built) {
      this.#built = built;
      keepFocus(this.#rows, () => this.#rows.replaceChildren(...rows.map(({ name }) => this.#row(name))));
    }
    rows.forEach((row, index) => this.#updateRow(row, this.#rows.children[index]));
  }

  #row(name: string): HTMLElement {
    const actions = element('div', { class: 'gate-actions' });
    const button = ({ text, run }: MenuItem): HTMLElement => {
      const onclick = (): void => {
        menu.open = false;
        run();
      };
      return element('button', { type: 'button', onclick }, text);
    };
    // In the row, since a menu above it would be cut off where the table scrolls.
    const menu: HTMLDetailsElement = element(
      'details',
      {
        ontoggle: () => actions.replaceChildren(...(menu.open ? this.#events.menuOf(name).map(button) : [])),
      },
      element('summary', { 'aria-label': `Change the gate ${name}`, 'data-key': name }, '⋯'),
      actions,
    );
    return element(
      'tr',
      { 'data-gate': name },
      element('th', { scope: 'row' }, element('span', {}, name), ' ', element('i', { class: 'gate-state' })),
      ...COLUMNS.map(([key]) => element('td', { class: `gate-${key}` })),
      element('td', {}, menu),
    );
  }

  #updateRow({ state, applied, cells }: GateRow, row: Element | undefined): void {
    if (!(row instanceof HTMLElement)) return;
    row.dataset['state'] = state;
    const text = state === 'pending' ? 'pending' : applied ? 'applied' : '';
    setText(row.querySelector('.gate-state') ?? row, text);
    for (const [key] of COLUMNS) {
      const cell = row.querySelector(`.gate-${key}`);
      if (cell !== null) setText(cell, cells?.[key] ?? '…');
    }
  }

  /** What is typed stays until the gate itself changes. */
  #updateBar(bar: GateBar | undefined): void {
    const wasHidden = this.#bar.hidden;
    this.#bar.hidden = bar === undefined;
    if (bar === undefined) return;
    const set = (field: HTMLInputElement, value: string): void => {
      if (!wasHidden && this.#shown.get(field) === value) return;
      this.#shown.set(field, value);
      if (wasHidden || field !== document.activeElement) field.value = value;
    };
    setText(this.#title, bar.title);
    setText(this.#send, bar.isForPage ? 'Use it' : 'Send to SpecTcl');
    this.#name.hidden = bar.isForPage;
    set(this.#name, bar.name);
    this.#name.readOnly = bar.isNameFixed;
    this.#limits.hidden = bar.limits === undefined;
    set(this.#low, bar.limits?.[0] ?? '');
    set(this.#high, bar.limits?.[1] ?? '');
    setText(this.#hint, bar.hint);
    this.#send.disabled = !bar.canSend;
  }
}
