/**
 * The header of the page: the application and its state, the tabs, and the controls of the whole
 * page (columns, pause, theme, signing in, help). `viewer-page.ts` creates it, inserts it and
 * handles its actions. Creates elements; opens no socket.
 */
import { dataState } from '../view/data-state.js';
import { element, setText } from './dom.js';
import { showHelp } from './help.js';
import type { PageHistory } from './page-history.js';
import type { PageState } from './page-state.js';
import { showSignIn } from './sign-in-dialog.js';
import { nextTheme, shownTheme } from './theme.js';

export interface HeaderActions {
  selectApplication(app: string): void;
  view(view: 'spectra' | 'network'): void;
  pause(): void;
  columns(columns: number): void;
  themeChanged(): void;
  undo(): void;
  redo(): void;
  layouts(): void;
  trends(): void;
  signOut(): void;
}

export class Header {
  readonly element: HTMLElement;
  readonly columns = element(
    'select',
    { 'aria-label': 'Plots side by side', title: 'Plots side by side' },
    element('option', { value: '0' }, 'Columns: auto'),
    ...[1, 2, 3, 4, 6].map((count) => element('option', { value: String(count) }, `Columns: ${count}`)),
  );
  readonly #state: PageState;
  readonly #apps = element('select', { 'aria-label': 'Application', title: 'Application' });
  readonly #stateBadge = element('span', { class: 'pill', role: 'status' });
  readonly #detail = element('span', { class: 'pill-detail' });
  readonly #tabs: Readonly<Record<'spectra' | 'network', HTMLElement>>;
  readonly #pauseButton: HTMLButtonElement;
  readonly #signButton: HTMLButtonElement;
  readonly #themeButton: HTMLButtonElement;
  readonly #undoButton: HTMLButtonElement;
  readonly #redoButton: HTMLButtonElement;
  readonly #layoutsButton: HTMLButtonElement;
  readonly #trendsButton: HTMLButtonElement;
  readonly #actions: HeaderActions;

  /** `run`: the element of the run of SpecTcl. */
  constructor(state: PageState, actions: HeaderActions, run: HTMLElement) {
    this.#state = state;
    this.#actions = actions;
    const tab = (view: 'spectra' | 'network', text: string): HTMLElement =>
      element('button', { type: 'button', class: 'tab', onclick: () => actions.view(view) }, text);
    this.#tabs = { spectra: tab('spectra', 'Spectra'), network: tab('network', 'Network') };
    this.#pauseButton = element(
      'button',
      { type: 'button', 'aria-pressed': 'false', onclick: () => actions.pause() },
      'Pause',
    );
    this.#signButton = element('button', { type: 'button', onclick: () => this.#signInOrOut() }, 'Sign in');
    const icon = (text: string, label: string, onclick: () => void): HTMLButtonElement =>
      element('button', { type: 'button', class: 'icon', 'aria-label': label, title: label, onclick }, text);
    this.#undoButton = icon('↶', 'Undo', () => actions.undo());
    this.#redoButton = icon('↷', 'Redo', () => actions.redo());
    this.#redoButton.classList.add('redo');
    this.#layoutsButton = icon('▦', 'Layouts', () => actions.layouts());
    this.#layoutsButton.classList.add('layouts-button');
    this.#trendsButton = icon('∿', 'Trends and alarms', () => actions.trends());
    this.#trendsButton.classList.add('trends-button');
    this.#themeButton = icon('◐', '', () => this.#switchTheme());
    this.#apps.addEventListener('change', () => actions.selectApplication(this.#apps.value));
    this.columns.addEventListener('change', () => actions.columns(Number(this.columns.value)));
    this.element = element(
      'header',
      { class: 'top' },
      element(
        'h1',
        { class: 'brand' },
        element('img', { src: '/icon.svg', alt: '', width: '22', height: '22' }),
        element('span', {}, 'mirrorflow'),
      ),
      element('nav', { class: 'tabs', 'aria-label': 'Pages' }, this.#tabs.spectra, this.#tabs.network),
      element('div', { class: 'source' }, this.#apps, this.#stateBadge, run, this.#detail),
      element(
        'div',
        { class: 'top-tools', role: 'group', 'aria-label': 'Page' },
        this.#undoButton,
        this.#redoButton,
        this.#layoutsButton,
        this.#trendsButton,
        this.columns,
        this.#pauseButton,
        this.#signButton,
        this.#themeButton,
        icon('?', 'Keys and help', showHelp),
      ),
    );
    this.#nameTheme();
    const topics = ['applications', 'status', 'connection', 'alarms', 'paused', 'moment', 'second'] as const;
    for (const topic of topics) state.on(topic, () => this.refresh());
    this.refresh();
  }

  setView(view: 'spectra' | 'network'): void {
    for (const [name, tab] of Object.entries(this.#tabs)) {
      if (name === view) tab.setAttribute('aria-current', 'page');
      else tab.removeAttribute('aria-current');
    }
    this.columns.hidden = view !== 'spectra';
    this.#pauseButton.hidden = view !== 'spectra';
    this.#layoutsButton.hidden = view !== 'spectra';
  }

  /** Buttons that do nothing stay in place, so that they keep the focus. */
  setUndo({ canUndo, canRedo }: PageHistory): void {
    this.#undoButton.setAttribute('aria-disabled', String(!canUndo));
    this.#redoButton.setAttribute('aria-disabled', String(!canRedo));
  }

  refresh(): void {
    const { applications, app, status, connected, paused, pausedDataMs, welcome, momentMs, recorded } =
      this.#state;
    const names = [
      ...new Set([...(applications ?? []).map(({ name }) => name), ...(app === undefined ? [] : [app])]),
    ];
    if ([...this.#apps.options].map(({ value }) => value).join('\n') !== names.join('\n')) {
      this.#apps.replaceChildren(...names.map((name) => element('option', { value: name }, name)));
    }
    this.#apps.value = app ?? '';
    this.#apps.hidden = names.length === 0;
    const recordedMs = recorded !== undefined && 'dataMs' in recorded ? recorded.dataMs : undefined;
    const { kind, label, detail } = dataState(
      { connected, paused, status, momentMs },
      Date.now(),
      // An undefined time would be replaced by that of the newest data.
      momentMs === undefined ? pausedDataMs : (recordedMs ?? 0),
    );
    this.#stateBadge.dataset['state'] = kind;
    setText(this.#stateBadge, label);
    this.#stateBadge.hidden = app === undefined && connected;
    setText(this.#detail, detail);
    this.#detail.title = detail;
    this.#pauseButton.setAttribute('aria-pressed', String(paused));
    setText(this.#pauseButton, paused ? 'Resume' : 'Pause');
    this.#signButton.hidden = welcome === undefined || welcome.control === 'no-secret';
    setText(this.#signButton, welcome?.control === 'yes' ? 'Sign out' : 'Sign in');
    const alarms = this.#showAlarms();
    document.title = `${alarms}${app === undefined ? '' : `${app}${kind === 'live' ? '' : ` (${label})`} · `}mirrorflow`;
  }

  /** Marks the button while alarms are raised; the beginning of the title, empty without any. */
  #showAlarms(): string {
    const raised = Object.values(this.#state.alarms).filter((alarm) => alarm.raised);
    const open = raised.filter(({ acknowledged }) => acknowledged === undefined).length;
    this.#trendsButton.classList.toggle('raised', raised.length > 0);
    setText(this.#trendsButton, raised.length > 0 ? `⚠ ${raised.length}` : '∿');
    const label = raised.length > 0 ? `Trends and alarms: ${raised.length} raised` : 'Trends and alarms';
    this.#trendsButton.setAttribute('aria-label', label);
    this.#trendsButton.title = label;
    return open > 0 ? `⚠ ${open} · ` : '';
  }

  #switchTheme(): void {
    nextTheme();
    this.#nameTheme();
    this.#actions.themeChanged();
  }

  #nameTheme(): void {
    const label = `Theme: ${shownTheme()}`;
    this.#themeButton.setAttribute('aria-label', label);
    this.#themeButton.title = label;
  }

  #signInOrOut(): void {
    if (this.#state.welcome?.control === 'yes') this.#actions.signOut();
    else showSignIn();
  }
}
