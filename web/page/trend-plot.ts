/**
 * The dialog of trends and alarms: the plot over time, what is kept, and forms for more. The entry
 * of a script of its own, which `trends.ts` loads at the first use. Adds a dialog to the document
 * until it is closed; asks the server for values and sends changes.
 */
import { sourceText, valueText } from '../view/alarm-text.js';
import { linesOf } from '../view/trend-table.js';
import { TREND_SPANS_S, type TrendHistory, type TrendSource } from '../wire/trends.js';
import { AlarmList } from './alarm-list.js';
import { alarmForm } from './alarm-form.js';
import { isSoundWished, wishSound } from './alarm-sound.js';
import { element, keepFocus, selectBox, setText } from './dom.js';
import type { Notices } from './notices.js';
import type { PageState } from './page-state.js';
import type { Palette } from './theme.js';
import { TrendChart } from './trend-chart.js';
import { trendForm } from './trend-form.js';
import { loadTrend, sendChange } from './trend-requests.js';

/** What the dialog shows first. */
export interface TrendsOpening {
  readonly trend?: string;
  /** What a new trend measures, as the form has it at first. */
  readonly source?: TrendSource;
}

const SPAN_TEXTS = ['10 minutes', '1 hour', '6 hours', '1 day', '7 days', '30 days'];
/** How often the plot asks for new values, by the span. */
const REFRESH_PART = 1 / 120;
const REFRESH_MIN_MS = 2_000;
const REFRESH_MAX_MS = 60_000;

/** `palette`: that of the page, since this script has modules of its own. */
export function showTrends(
  state: PageState,
  notices: Notices,
  palette: Palette,
  opening: TrendsOpening,
): void {
  document.querySelector<HTMLDialogElement>('dialog.trends-dialog')?.close();
  const dialog = new TrendsDialog(state, notices, palette, opening);
  document.body.append(dialog.element);
  dialog.element.showModal();
  dialog.start();
}

class TrendsDialog {
  readonly element: HTMLDialogElement;
  readonly #state: PageState;
  readonly #notices: Notices;
  readonly #app: string;
  readonly #shown: Set<string>;
  readonly #place = element('div', { class: 'chart', role: 'img', 'aria-label': 'Trends over time' });
  readonly #chart: TrendChart;
  readonly #linesMax: number;
  readonly #trends = element('ul', {});
  readonly #values = new Map<string, HTMLElement>();
  readonly #problem = element('p', { class: 'problem', role: 'status' });
  readonly #alarms: AlarmList;
  readonly #alarmForm = element('div', {});
  readonly #histories = new Map<string, TrendHistory>();
  readonly #stopListening: (() => void)[];
  #spanS: number = TREND_SPANS_S[0];
  #timer: number | undefined;
  /** Grows with each request for values, so that only the newest is drawn. */
  #request = 0;

  constructor(state: PageState, notices: Notices, palette: Palette, { trend, source }: TrendsOpening) {
    this.#state = state;
    this.#notices = notices;
    this.#app = state.app ?? '';
    this.#chart = new TrendChart(this.#place, palette);
    this.#linesMax = palette.series.length;
    this.#shown = new Set(trend === undefined ? Object.keys(state.trends).slice(0, 4) : [trend]);
    this.#alarms = new AlarmList({
      acknowledge: (name, by) => void this.#send('/api/acknowledge', { name, by }),
      remove: (name) => void this.#send('/api/alarm', { name, rule: null }),
    });
    const spans = TREND_SPANS_S.map((spanS, index) => [String(spanS), SPAN_TEXTS[index] ?? ''] as const);
    const sound = element('input', { type: 'checkbox', checked: isSoundWished() });
    sound.addEventListener('change', () => wishSound(sound.checked));
    this.element = element(
      'dialog',
      { class: 'help trends-dialog', 'aria-label': 'Trends and alarms' },
      element('h2', {}, `Trends and alarms of ${this.#app}`),
      selectBox('Time span', spans, String(this.#spanS), (value) => this.#setSpan(Number(value))),
      this.#problem,
      this.#place,
      element('h3', {}, 'Trends'),
      this.#trends,
      this.#newTrend(source),
      element('h3', {}, 'Alarms'),
      this.#alarms.element,
      element('details', {}, element('summary', {}, 'New alarm'), this.#alarmForm),
      element('p', {}, element('label', {}, sound, ' Sound when an alarm is raised')),
      element('form', { method: 'dialog' }, element('button', {}, 'Close')),
    );
    this.element.addEventListener('close', () => this.#close());
    this.#stopListening = [
      state.on('trends', () => this.#trendsChanged()),
      state.on('trend-values', () => this.#showValues()),
      state.on('alarms', () => this.#alarmsChanged()),
      state.on('applications', () => {
        if (state.app !== this.#app) this.element.close();
      }),
    ];
  }

  start(): void {
    this.#trendsChanged();
    this.#alarmsChanged();
  }

  #newTrend(source: TrendsOpening['source']): HTMLElement {
    const { spectra = [], gates, trends } = this.#state;
    const form = trendForm({
      spectra: spectra.map(({ name }) => name),
      gates: gates.map(({ name }) => name),
      source,
      save: (name, trend) => {
        this.#shown.add(name);
        void this.#send('/api/trend', { name, trend });
      },
    });
    const isOpen = source !== undefined || Object.keys(trends).length === 0;
    return element('details', { open: isOpen }, element('summary', {}, 'New trend'), form);
  }

  #setSpan(spanS: number): void {
    this.#spanS = spanS;
    this.#histories.clear();
    void this.#load();
  }

  async #send(path: Parameters<typeof sendChange>[0], body: object): Promise<void> {
    await sendChange(path, { app: this.#app, ...body }, this.#notices);
  }

  #trendsChanged(): void {
    const { trends, trendProblem } = this.#state;
    for (const name of this.#shown) {
      // A trend of the form, until the server has it, stays chosen.
      if (!Object.hasOwn(trends, name)) this.#histories.delete(name);
    }
    setText(this.#problem, trendProblem === undefined ? '' : `Trends are not stored: ${trendProblem}`);
    const names = Object.keys(trends).sort((one, other) => one.localeCompare(other));
    keepFocus(this.#trends, () =>
      this.#trends.replaceChildren(...names.map((name) => this.#trendItem(name))),
    );
    this.#showValues();
    this.#alarmForm.replaceChildren(
      alarmForm(
        names,
        [...this.#shown].find((name) => names.includes(name)),
        (name, rule) => void this.#send('/api/alarm', { name, rule }),
      ),
    );
    void this.#load();
  }

  #trendItem(name: string): HTMLElement {
    const trend = this.#state.trends[name];
    const box = element('input', {
      type: 'checkbox',
      checked: this.#shown.has(name),
      'data-key': `show ${name}`,
    });
    box.addEventListener('change', () => {
      if (box.checked) this.#shown.add(name);
      else this.#shown.delete(name);
      void this.#load();
    });
    const value = element('span', { class: 'trend-value' });
    this.#values.set(name, value);
    const remove = (): void => void this.#send('/api/trend', { name, trend: null });
    const label = `Remove ${name}`;
    return element(
      'li',
      {},
      element('label', {}, box, ` ${name}`),
      element('span', { class: 'what' }, trend === undefined ? '' : sourceText(trend.source)),
      value,
      element(
        'button',
        { type: 'button', 'aria-label': label, 'data-key': label, onclick: remove },
        'Remove',
      ),
    );
  }

  #showValues(): void {
    const values = this.#state.trendValues?.values ?? {};
    for (const [name, value] of this.#values) setText(value, valueText(values[name]));
  }

  #alarmsChanged(): void {
    this.#alarms.show(this.#state.alarms);
    this.#draw();
  }

  /** Asks for the values of all that is shown, draws them, and again after a part of the span. */
  async #load(): Promise<void> {
    clearTimeout(this.#timer);
    this.#request += 1;
    const request = this.#request;
    const names = this.#names();
    const histories = await Promise.all(names.map((name) => loadTrend(this.#app, name, this.#spanS)));
    if (request !== this.#request || !this.element.open) return;
    this.#histories.clear();
    histories.forEach((history, index) => {
      const name = names[index];
      if (history !== undefined && name !== undefined) this.#histories.set(name, history);
    });
    this.#draw();
    const refreshMs = Math.min(REFRESH_MAX_MS, Math.max(REFRESH_MIN_MS, this.#spanS * 1_000 * REFRESH_PART));
    this.#timer = setTimeout(() => void this.#load(), refreshMs);
  }

  /** Names of the shown trends, at most as many as there are colours. */
  #names(): string[] {
    const { trends } = this.#state;
    return [...this.#shown].filter((name) => Object.hasOwn(trends, name)).slice(0, this.#linesMax);
  }

  #draw(): void {
    const { trends, alarms } = this.#state;
    const rules = Object.values(alarms).map(({ rule }) => rule);
    const charts = this.#names().flatMap((name) => {
      const [trend, history] = [trends[name], this.#histories.get(name)];
      if (trend === undefined || history === undefined) return [];
      const { thresholds, limits } = linesOf(name, trend, rules);
      return [{ name, history, lines: [...thresholds, ...limits], isRate: trend.source.kind !== 'peak' }];
    });
    const nowMs = this.#state.trendValues?.atMs ?? Date.now();
    this.#chart.show(charts, nowMs - this.#spanS * 1_000, nowMs);
    this.#place.dataset['trends'] = charts.map(({ name }) => name).join(', ');
    this.#place.dataset['points'] = charts.map(({ history }) => history.timesMs.length).join(', ');
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#request += 1;
    for (const stop of this.#stopListening) stop();
    this.#chart.close();
    this.element.remove();
  }
}
