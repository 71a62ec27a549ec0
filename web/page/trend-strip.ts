/**
 * The strip above the board: each trend of the application with its value and a line of the last
 * ten minutes, red while an alarm that reads it is raised. `trends.ts` creates it. Changes only its
 * own element; asks the server for the minutes before the page was opened.
 */
import { valueText } from '../view/alarm-text.js';
import { trendOf } from '../wire/trends.js';
import { element, setText } from './dom.js';
import type { PageState } from './page-state.js';
import { prepare } from './plot-area.js';
import { currentPalette } from './theme.js';
import { loadTrend } from './trend-requests.js';

/** Time that a line shows. */
const SPAN_S = 600;
/** Size of a line, in CSS pixels. */
const SIZE = { width: 96, height: 22 };

interface Item {
  readonly button: HTMLElement;
  readonly value: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  /** Oldest first; times in milliseconds since 1970. */
  points: { readonly atMs: number; readonly value: number }[];
}

export class TrendStrip {
  readonly element = element('nav', { class: 'trend-strip', 'aria-label': 'Trends', hidden: true });
  readonly #state: PageState;
  readonly #open: (trend: string) => void;
  readonly #items = new Map<string, Item>();
  #app: string | undefined;
  #visible = true;

  /** `open` shows the plot of a trend. */
  constructor(state: PageState, open: (trend: string) => void) {
    this.#state = state;
    this.#open = open;
    state.on('trends', () => this.#refresh());
    state.on('trend-values', () => this.#append());
    state.on('alarms', () => this.#markRaised());
    state.on('connection', () => {
      if (state.connected) this.#clear();
    });
  }

  /** Shows or hides the strip; it is hidden beside the network page. */
  setVisible(visible: boolean): void {
    this.#visible = visible;
    this.#refresh();
  }

  redraw(): void {
    for (const item of this.#items.values()) draw(item);
  }

  #clear(): void {
    this.#items.clear();
    this.element.replaceChildren();
    this.#refresh();
  }

  #refresh(): void {
    const { app, trends } = this.#state;
    if (app !== this.#app) {
      this.#app = app;
      return this.#clear();
    }
    const names = Object.keys(trends).sort((one, other) => one.localeCompare(other));
    this.element.hidden = !this.#visible || names.length === 0;
    for (const [name, { button }] of this.#items) {
      if (Object.hasOwn(trends, name)) continue;
      button.remove();
      this.#items.delete(name);
    }
    names.forEach((name, index) => {
      const { button } = this.#items.get(name) ?? this.#create(name);
      const present = this.element.children[index];
      if (present !== button) this.element.insertBefore(button, present ?? null);
    });
    this.#markRaised();
  }

  #create(name: string): Item {
    const canvas = element('canvas', { 'aria-hidden': 'true' });
    const value = element('span', { class: 'trend-value' }, '–');
    const button = element(
      'button',
      { type: 'button', class: 'trend', title: `Show the trend ${name}`, onclick: () => this.#open(name) },
      element('span', { class: 'trend-name' }, name),
      value,
      canvas,
    );
    const item = { button, value, canvas, points: [] };
    this.#items.set(name, item);
    void this.#load(name, item);
    return item;
  }

  async #load(name: string, item: Item): Promise<void> {
    const { app } = this.#state;
    const history = app === undefined ? undefined : await loadTrend(app, name, SPAN_S);
    if (history === undefined || this.#items.get(name) !== item) return;
    const { timesMs, mean } = history;
    const firstMs = item.points[0]?.atMs ?? Number.POSITIVE_INFINITY;
    const earlier = timesMs.flatMap((atMs, index) => {
      const value = mean[index];
      return typeof value === 'number' && atMs < firstMs ? [{ atMs, value }] : [];
    });
    item.points = [...earlier, ...item.points];
    draw(item);
  }

  #append(): void {
    const { trendValues } = this.#state;
    if (trendValues === undefined) return;
    const { atMs, values } = trendValues;
    for (const [name, item] of this.#items) {
      const value = values[name];
      setText(item.value, valueText(value));
      item.points = item.points.filter((point) => atMs - point.atMs <= SPAN_S * 1_000);
      if (value !== undefined) item.points.push({ atMs, value });
      if (!document.hidden) draw(item);
    }
  }

  #markRaised(): void {
    const raised = new Set(
      Object.values(this.#state.alarms).flatMap(({ raised, rule }) =>
        raised ? [trendOf(rule.condition)] : [],
      ),
    );
    for (const [name, { button }] of this.#items) button.classList.toggle('raised', raised.has(name));
  }
}

/** The line over ten minutes: from zero, or between its extremes where they are far from zero. */
function draw({ canvas, points }: Item): void {
  const palette = currentPalette();
  const surface = prepare(canvas, SIZE, palette.paper);
  const newest = points.at(-1)?.atMs;
  if (surface === undefined || newest === undefined) return;
  const { context, width, height } = surface;
  const values = points.map(({ value }) => value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const low = least >= 0 && most > 2 * (most - least) ? least - (most - least) : Math.min(0, least);
  const span = most - low || 1;
  context.strokeStyle = palette.accent;
  context.lineWidth = 1.2;
  context.beginPath();
  let before = Number.NEGATIVE_INFINITY;
  for (const { atMs, value } of points) {
    const x = width - ((newest - atMs) / (SPAN_S * 1_000)) * width;
    const y = height - 2 - ((value - low) / span) * (height - 4);
    // Nothing was measured in between.
    if (atMs - before > 60_000) context.moveTo(x, y);
    else context.lineTo(x, y);
    before = atMs;
  }
  context.stroke();
}
