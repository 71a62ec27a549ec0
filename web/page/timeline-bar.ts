/**
 * The time line under the board of an application that is recorded: the recorded times, ticks at
 * changes of the run, and a slider for the moment that is shown. `viewer-page.ts` creates it and
 * inserts it. Changes its own elements only; moves through `Travel`.
 */
import {
  localText,
  momentText,
  movedByKey,
  placeOnTimeline,
  runAt,
  spacedTicks,
  timelineRange,
  zoneHelp,
  zoneText,
} from '../view/moment.js';
import type { RunTick, Timeline } from '../wire/recording.js';
import { element, setText } from './dom.js';
import type { PageState } from './page-state.js';
import type { Travel } from './travel.js';

/** Ticks are at least this part of the time line apart. */
const TICK_PART = 0.006;
/** Moves that follow each other closely are one step of the history. */
const BURST = 'moment';

export class TimelineBar {
  readonly element: HTMLElement;
  readonly #state: PageState;
  readonly #travel: Travel;
  readonly #slider = element('input', {
    type: 'range',
    class: 'timeline-slider',
    'aria-label': 'Moment of the recording',
    step: '1',
  });
  readonly #marks = element('div', { class: 'timeline-marks', 'aria-hidden': 'true' });
  readonly #text = element('output', { class: 'timeline-text', 'aria-live': 'off' });
  readonly #time = element('input', {
    type: 'datetime-local',
    step: '1',
    class: 'timeline-time',
    'aria-label': 'Go to a time of the recording',
    title: 'Go to a time of the recording',
  });
  readonly #zone = element('span', { class: 'timeline-zone' });
  readonly #live: HTMLButtonElement;
  /** The page shows the board, not the network. */
  #visible = true;
  #drawn: Timeline | undefined;

  constructor(state: PageState, travel: Travel) {
    this.#state = state;
    this.#travel = travel;
    this.#live = element(
      'button',
      {
        type: 'button',
        class: 'timeline-live',
        title: 'Back to live (B)',
        onclick: () => travel.to(undefined),
      },
      'Live',
    );
    this.element = element(
      'section',
      { class: 'timeline', 'aria-label': 'Time line of the recording', hidden: true },
      this.#live,
      element('div', { class: 'timeline-track' }, this.#marks, this.#slider),
      this.#text,
      this.#time,
      this.#zone,
    );
    this.#slider.addEventListener('input', () => travel.to(Math.round(Number(this.#slider.value)), BURST));
    this.#slider.addEventListener('keydown', (event) => this.#handleKey(event));
    this.#time.addEventListener('change', () => {
      const atMs = new Date(this.#time.value).getTime();
      if (atMs > 0) travel.to(atMs);
    });
    for (const topic of ['timeline', 'moment'] as const) state.on(topic, () => this.#update());
  }

  setVisible(visible: boolean): void {
    this.#visible = visible;
    this.#update();
  }

  /** Moves the focus to the slider; false where nothing is recorded. */
  focus(): boolean {
    if (this.element.hidden) return false;
    this.#slider.focus();
    return true;
  }

  #handleKey(event: KeyboardEvent): void {
    const { timeline, momentMs } = this.#state;
    const range = timeline === undefined ? undefined : timelineRange(timeline);
    if (timeline === undefined || range === undefined || event.ctrlKey || event.altKey || event.metaKey)
      return;
    // The page's own keys are for controls that take no input.
    if (event.key.toLowerCase() === 'b') return this.#travel.to(undefined);
    const target = movedByKey(timeline, momentMs ?? range[1], event.key, event.shiftKey);
    if (target === undefined) return;
    // The browser's own steps are milliseconds.
    event.preventDefault();
    this.#travel.to(target, BURST);
  }

  #update(): void {
    const { timeline, momentMs } = this.#state;
    const range = timeline === undefined ? undefined : timelineRange(timeline);
    this.element.hidden = !this.#visible || (range === undefined && momentMs === undefined);
    if (this.element.hidden) return;
    this.#live.setAttribute('aria-pressed', String(momentMs === undefined));
    const text = this.#momentText();
    setText(this.#text, text);
    // A link may have a moment of an application that is not recorded any more.
    this.#slider.disabled = range === undefined;
    const shownMs = momentMs ?? range?.[1] ?? Date.now();
    const help = zoneHelp(shownMs);
    setText(this.#zone, zoneText(shownMs));
    this.#zone.title = help;
    this.#slider.title = help;
    this.#text.title = `${text}. ${help}`;
    this.#time.title = `Go to a time of the recording. ${help}`;
    if (timeline === undefined || range === undefined) return;
    const [startMs, endMs] = range;
    this.#slider.min = String(startMs);
    this.#slider.max = String(endMs);
    this.#slider.value = String(momentMs ?? endMs);
    this.#slider.setAttribute(
      'aria-valuetext',
      momentMs === undefined ? text : `${text}, ${zoneText(momentMs)}`,
    );
    if (document.activeElement !== this.#time) this.#time.value = fieldText(momentMs ?? endMs);
    if (timeline !== this.#drawn) this.#drawMarks(timeline, range);
    this.#drawn = timeline;
  }

  #momentText(): string {
    const { timeline, momentMs, recorded } = this.#state;
    const unreadable = timeline?.unreadable ?? 0;
    const defects = unreadable === 0 ? '' : ` · ${unreadable} files cannot be read`;
    if (momentMs === undefined) return `live${defects}`;
    if (recorded !== undefined && 'error' in recorded) return recorded.error + defects;
    const run = timeline === undefined ? undefined : runAt(timeline, momentMs);
    return `${localText(momentMs)}${run === undefined ? '' : ` · ${runText(run)}`}${defects}`;
  }

  #drawMarks(timeline: Timeline, range: readonly [number, number]): void {
    const percent = (atMs: number): string => `${(placeOnTimeline(range, atMs) * 100).toFixed(3)}%`;
    const spans = timeline.spans.map(([fromMs, toMs]) => {
      const span = element('span', { class: 'timeline-span' });
      span.style.left = percent(fromMs);
      span.style.right = `calc(100% - ${percent(toMs)})`;
      return span;
    });
    const ticks = spacedTicks(timeline, TICK_PART).map((run) => {
      const tick = element('span', { class: 'timeline-tick', title: tickText(run) });
      tick.style.left = percent(run.atMs);
      return tick;
    });
    this.#marks.replaceChildren(...spans, ...ticks);
  }
}

function runText({ number, state, title }: RunTick): string {
  return [`run ${number}`, state, title].filter((part) => part !== '').join(' · ');
}

function tickText(run: RunTick): string {
  return `${momentText(run.atMs)}: ${runText(run)}`;
}

/** As a field of date and time needs it, in the reader's time zone. */
function fieldText(atMs: number): string {
  return localText(atMs).replace(' ', 'T');
}
