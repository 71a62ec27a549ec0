/**
 * The line on top: which application, how it is, which view, and the few things that concern the
 * whole page.
 */
import { formatDuration, formatShortCount } from '../../plotting/numbers.js';
import { element, setText } from './dom.js';
import type { PageState } from './state.js';
import { nextTheme } from './theme.js';

export interface HeaderActions {
  choose(app: string): void;
  view(view: 'spectra' | 'network'): void;
  pause(): void;
  columns(columns: number): void;
  themeChanged(): void;
  help(): void;
  signIn(): void;
  signOut(): void;
}

const WORDS = {
  connecting: 'connecting',
  live: 'live',
  stale: 'stale',
  stopped: 'stopped',
  broken: 'not available',
  away: 'viewer away',
} as const;

export class Header {
  readonly element: HTMLElement;
  readonly columns = element(
    'select',
    { 'aria-label': 'Plots beside each other', title: 'Plots beside each other' },
    element('option', { value: '0' }, 'Columns: auto'),
    ...[1, 2, 3, 4, 6].map((count) => element('option', { value: String(count) }, `Columns: ${count}`)),
  );
  readonly #state: PageState;
  readonly #apps = element('select', { 'aria-label': 'Application', title: 'Application' });
  readonly #pill = element('span', { class: 'pill', role: 'status' });
  readonly #detail = element('span', { class: 'pill-detail' });
  readonly #tabs: Readonly<Record<'spectra' | 'network', HTMLElement>>;
  readonly #pause: HTMLButtonElement;
  readonly #sign: HTMLButtonElement;
  readonly #actions: HeaderActions;

  constructor(state: PageState, actions: HeaderActions) {
    this.#state = state;
    this.#actions = actions;
    const tab = (view: 'spectra' | 'network', text: string): HTMLElement =>
      element('button', { type: 'button', class: 'tab', onclick: () => actions.view(view) }, text);
    this.#tabs = { spectra: tab('spectra', 'Spectra'), network: tab('network', 'Network') };
    this.#pause = element(
      'button',
      { type: 'button', 'aria-pressed': 'false', onclick: () => actions.pause() },
      'Pause',
    );
    this.#sign = element('button', { type: 'button', onclick: () => this.#signClicked() }, 'Sign in');
    this.#apps.addEventListener('change', () => actions.choose(this.#apps.value));
    this.columns.addEventListener('change', () => actions.columns(Number(this.columns.value)));
    this.element = element(
      'header',
      { class: 'top' },
      element(
        'span',
        { class: 'brand' },
        element('img', { src: '/icon.svg', alt: '', width: '22', height: '22' }),
        element('b', {}, 'mirrorflow'),
      ),
      this.#apps,
      this.#pill,
      this.#detail,
      element('nav', { class: 'tabs', 'aria-label': 'Pages' }, this.#tabs.spectra, this.#tabs.network),
      element(
        'div',
        { class: 'top-tools' },
        this.columns,
        this.#pause,
        element(
          'button',
          {
            type: 'button',
            title: 'Light, dark, or as the system',
            onclick: (event: MouseEvent) => {
              const theme = nextTheme();
              if (event.currentTarget instanceof HTMLElement) setText(event.currentTarget, `Theme: ${theme}`);
              actions.themeChanged();
            },
          },
          'Theme',
        ),
        this.#sign,
        element(
          'button',
          {
            type: 'button',
            'aria-label': 'Keys and help',
            title: 'Keys and help',
            onclick: () => actions.help(),
          },
          '?',
        ),
      ),
    );
    for (const topic of ['applications', 'status', 'connection', 'paused'] as const)
      state.on(topic, () => this.refresh());
    this.refresh();
  }

  setView(view: 'spectra' | 'network'): void {
    for (const [name, tab] of Object.entries(this.#tabs)) {
      if (name === view) tab.setAttribute('aria-current', 'page');
      else tab.removeAttribute('aria-current');
    }
    this.columns.hidden = view !== 'spectra';
    this.#pause.hidden = view !== 'spectra';
  }

  refresh(): void {
    const { applications, app, status, connected, paused, welcome } = this.#state;
    const names = [
      ...new Set([...(applications ?? []).map(({ name }) => name), ...(app === undefined ? [] : [app])]),
    ];
    if ([...this.#apps.options].map(({ value }) => value).join('\n') !== names.join('\n')) {
      this.#apps.replaceChildren(...names.map((name) => element('option', { value: name }, name)));
    }
    this.#apps.value = app ?? '';
    this.#apps.hidden = names.length === 0;
    const state = connected ? (status?.state ?? 'connecting') : 'away';
    this.#pill.dataset['state'] = state;
    setText(this.#pill, WORDS[state]);
    this.#pill.hidden = app === undefined && connected;
    setText(this.#detail, this.#detailText(state));
    this.#detail.title = this.#detail.textContent ?? '';
    this.#pause.setAttribute('aria-pressed', String(paused));
    setText(this.#pause, paused ? 'Go on' : 'Pause');
    this.#sign.hidden = welcome === undefined || welcome.control === 'no-secret';
    setText(this.#sign, welcome?.control === 'yes' ? 'Sign out' : 'Sign in');
    document.title = `${app === undefined ? '' : `${app}${state === 'live' ? '' : ` (${WORDS[state]})`} · `}mirrorflow`;
  }

  #detailText(state: keyof typeof WORDS): string {
    const { status } = this.#state;
    if (state === 'away') return 'The viewer’s server does not answer; the last data stay. Trying again …';
    if (status === undefined) return '';
    const since = formatDuration(Math.max(0, Date.now() - status.sinceMs));
    switch (state) {
      case 'live':
        return `${status.rate < 10 ? status.rate.toFixed(1) : formatShortCount(Math.round(status.rate))} updates per second`;
      case 'stale':
        return `No answer from SpecTcl for ${since}; the last data are shown.${status.cause === undefined ? '' : ` ${status.cause}`}`;
      case 'stopped':
      case 'broken':
        return status.cause ?? '';
      case 'connecting':
        return '';
      default:
        return state satisfies never;
    }
  }

  #signClicked(): void {
    if (this.#state.welcome?.control === 'yes') this.#actions.signOut();
    else this.#actions.signIn();
  }
}
