/**
 * The page in the browser: a header, and below it the list of spectra beside the board of plots, or
 * the network. The address bar has the state of the page; all data come over one WebSocket. The
 * build bundles this file (`scripts/build-page.mjs`); it runs when the document loads.
 *
 *   connection.ts      the WebSocket              board.ts, plot*.ts   plots
 *   subscriptions.ts   visible views              spectrum-list.ts     the list of spectra
 *   page-state.ts      data from the server       network*.ts          the network page
 *   page-history.ts    undo, Back and Forward     layouts.ts           named layouts
 *   travel.ts          the moment that is shown   timeline-bar.ts      the time line
 *   trends.ts          trends and alarms
 */
import { formatAddress, parseAddress, defaultPlot } from '../view/plot-spec.js';
import type { ApplicationSummary, ServerMessage, SpectrumInfo } from '../wire/messages.js';
import type { TrendSource } from '../wire/trends.js';
import { Board } from './board.js';
import { Connection } from './connection.js';
import { element } from './dom.js';
import { DrawLoop } from './draw-loop.js';
import { Fits } from './fits.js';
import { GateChanges } from './gate-changes.js';
import { Header, type HeaderActions } from './header.js';
import { showHelp } from './help.js';
import { keepAddress, restoreAddress } from './last-address.js';
import { Layouts } from './layouts.js';
import { Moments } from './moments.js';
import { NetworkView } from './network-view.js';
import { Notices } from './notices.js';
import { PageHistory } from './page-history.js';
import { preparePrinting } from './print.js';
import { showSignIn } from './sign-in-dialog.js';
import { readSession, signInForm, signOut } from './sign-in.js';
import { ReplayBar } from './replay-bar.js';
import { SpectrumList } from './spectrum-list.js';
import { PageState } from './page-state.js';
import { SpecTclMenu } from './spectcl-menu.js';
import { Subscriptions } from './subscriptions.js';
import { startTheme } from './theme.js';
import { TimelineBar } from './timeline-bar.js';
import { SAME_STEP, Travel } from './travel.js';
import { Trends } from './trends.js';

/** Spectra of each dimension that a page without plots in its address shows. */
const SUGGESTED_PER_DIMENSION = 2;
const SECOND_MS = 1_000;

class App {
  readonly #state = new PageState();
  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;
  readonly #board: Board;
  readonly #list: SpectrumList;
  readonly #header: Header;
  readonly #network: NetworkView;
  readonly #travel: Travel;
  readonly #timeline: TimelineBar;
  readonly #replay: ReplayBar;
  readonly #history = new PageHistory(() => this.#header.setUndo(this.#history));
  readonly #notices = new Notices();
  readonly #moments = new Moments((message) => this.#connection.send(message));
  readonly #layouts = new Layouts(this.#state, this.#notices, {
    open: (address) =>
      (location.hash = formatAddress({ ...parseAddress(address), atMs: this.#state.momentMs })),
    address: () => this.#address(undefined),
  });
  readonly #trends = new Trends(this.#state, this.#notices);
  readonly #main = element('main', {});
  #view: 'spectra' | 'network' = 'spectra';
  /** While the address bar is read, it is not written. */
  #restoring = false;
  /** The user has not chosen any plot yet. */
  #untouched = false;
  /** The address is the one of the last time, whose application may have ended since. */
  #restoredLast: boolean;

  constructor(restoredLast: boolean) {
    this.#restoredLast = restoredLast;
    const state = this.#state;
    this.#connection = new Connection({
      opened: () => this.#opened(),
      closed: (refused) => this.#closed(refused),
      message: (message) => this.#received(message),
      frame: (frame) => this.#subscriptions.frame(frame),
    });
    // Connects before the page is built, which saves a round trip.
    this.#connection.open();
    this.#subscriptions = new Subscriptions((message) => this.#connection.send(message));
    this.#travel = new Travel(state, this.#subscriptions, {
      send: (message) => this.#connection.send(message),
      moved: (burst) => this.#updateAddress(burst === SAME_STEP ? 'same' : 'step', burst),
    });
    this.#timeline = new TimelineBar(state, this.#travel);
    this.#replay = new ReplayBar(state, (message) => this.#connection.send(message));
    const services = {
      state,
      subscriptions: this.#subscriptions,
      loop: new DrawLoop(),
      fits: new Fits(),
      notices: this.#notices,
      travel: this.#travel,
      moments: this.#moments,
      showLayouts: () => this.#layouts.show(),
      showTrends: (source?: TrendSource) => this.#trends.show(source === undefined ? {} : { source }),
      gateChanges: new GateChanges(state, this.#notices),
    };
    this.#board = new Board(services, {
      changed: (burst) => this.#boardChanged(burst),
      undo: () => this.#undo(),
    });
    this.#list = new SpectrumList(
      services,
      (name, placement) => this.#board.show(name, placement),
      () => this.#board.names,
    );
    this.#network = new NetworkView(state, {
      send: (message) => this.#connection.send(message),
      openSpectra: (app) => this.#openSpectra(app),
    });
    const actions: HeaderActions = {
      selectApplication: (app) => this.#selectApplication(app),
      view: (view) => this.#showView(view),
      pause: () => this.#togglePause(),
      columns: (columns) => (this.#board.columns = columns),
      themeChanged: () => this.#redraw(),
      undo: () => this.#undo(),
      redo: () => this.#redo(),
      layouts: () => this.#layouts.show(),
      trends: () => this.#trends.show(),
      help: showHelp,
      signIn: showSignIn,
      signOut: () => void signOut().then(() => location.reload()),
    };
    const run = new SpecTclMenu(state, this.#notices, () => this.#board.names);
    this.#header = new Header(state, actions, run.element);
    startTheme(() => this.#redraw());
    const { element: layouts } = this.#layouts;
    document.body.replaceChildren(
      this.#header.element,
      layouts,
      this.#trends.strip.element,
      this.#main,
      this.#timeline.element,
      this.#replay.element,
      this.#notices.element,
    );
    preparePrinting(() => {
      this.#redraw();
      services.loop.drawNow();
    });
    setInterval(() => {
      if (!document.hidden) state.notify('second');
    }, SECOND_MS);
    addEventListener('hashchange', () => {
      this.#history.moved();
      this.#notices.close();
      this.#restore();
    });
    // Before the list, which has keys of its own.
    addEventListener('keydown', (event) => this.#handleKey(event), { capture: true });
    this.#header.setUndo(this.#history);
    this.#restore();
  }

  #restore(): void {
    const address = parseAddress(location.hash);
    this.#restoring = true;
    this.#untouched = address.plots.length === 0;
    if (address.app !== this.#state.app) this.#openApplication(address.app);
    this.#travel.restore(address.atMs);
    this.#board.restore(address.plots, address.columns);
    this.#header.columns.value = String(address.columns);
    this.#showView(address.view);
    this.#restoring = false;
    if (address.app !== undefined) keepAddress(this.#address(undefined));
    this.#layouts.refresh();
    this.#list.refresh();
  }

  /** `atMs`: layouts, and the address that is kept for the next time, have no moment. */
  #address(atMs: number | undefined): string {
    const { specs: plots, columns } = this.#board;
    return formatAddress({ view: this.#view, app: this.#state.app, columns, atMs, plots });
  }

  /** Writes the state of the page to the address bar: a step of the user, or the present one. */
  #updateAddress(step: 'step' | 'same', burst?: string): void {
    if (this.#restoring) return;
    const hash = this.#address(this.#state.momentMs);
    keepAddress(this.#address(undefined));
    this.#layouts.refresh();
    if (step === 'step') this.#history.add(hash, burst);
    else this.#history.replace(hash);
  }

  /** Shows some spectra, once, when the page was opened without plots. */
  #showSuggested(): void {
    const { spectra } = this.#state;
    if (!this.#untouched || spectra === undefined || spectra.length === 0) return;
    this.#untouched = false;
    this.#board.restore(suggestedSpectra(spectra).map(defaultPlot), 0);
    this.#updateAddress('same');
    this.#list.refresh();
  }

  #boardChanged(burst?: string): void {
    this.#untouched = false;
    // The undo of a notice is for the step before.
    this.#notices.close();
    this.#updateAddress('step', burst);
    this.#list.refresh();
  }

  #undo(): void {
    if (!this.#history.undo()) this.#notices.show('Nothing to undo.');
  }

  #redo(): void {
    if (!this.#history.redo()) this.#notices.show('Nothing to redo.');
  }

  /** The spectra of an application, from the network page. */
  #openSpectra(app: string): void {
    if (app !== this.#state.app) this.#selectApplication(app);
    this.#showView('spectra');
  }

  #showView(view: 'spectra' | 'network'): void {
    this.#view = view;
    this.#header.setView(view);
    // Only another view: moving elements in the document removes their focus.
    if (this.#main.className !== view) {
      const elements =
        view === 'network' ? [this.#network.element] : [this.#list.element, this.#board.element];
      this.#main.className = view;
      this.#main.replaceChildren(...elements);
    }
    this.#network.setVisible(view === 'network');
    this.#layouts.setVisible(view === 'spectra');
    this.#timeline.setVisible(view === 'spectra');
    this.#replay.setVisible(view === 'spectra');
    this.#trends.strip.setVisible(view === 'spectra');
    if (view === 'network') this.#list.close();
    else this.#list.refresh();
    this.#updateAddress('step');
  }

  #selectApplication(app: string): void {
    this.#board.closeAll();
    this.#openApplication(app);
    this.#untouched = true;
    this.#updateAddress('step');
  }

  #openApplication(app: string | undefined): void {
    this.#list.close();
    this.#state.selectApplication(app);
    this.#connection.send({ kind: 'app', app: app ?? null });
    this.#travel.resend();
    this.#subscriptions.resend();
  }

  #opened(): void {
    this.#state.connected = true;
    this.#state.notify('connection');
    this.#connection.send({ kind: 'app', app: this.#state.app ?? null });
    this.#travel.resend();
    this.#subscriptions.resend();
    this.#network.reconnected();
  }

  #closed(refused: boolean): void {
    this.#state.connected = false;
    this.#moments.closed();
    this.#state.notify('connection');
    // A restarted server has no sessions.
    if (refused)
      void readSession().then(
        ({ mayLook: mayView }) => (mayView ? undefined : location.reload()),
        () => undefined,
      );
  }

  #received(message: ServerMessage): void {
    const state = this.#state;
    switch (message.kind) {
      case 'welcome':
        // The server is of another release than this page, which its address restores.
        if (state.welcome !== undefined && state.welcome.page !== message.page) return location.reload();
        state.welcome = message;
        return state.notify('connection');
      case 'applications':
        state.hostServer = message.hostServer;
        state.applications = message.applications;
        this.#leaveEnded(message.applications);
        if (state.app === undefined) {
          const first =
            message.applications.find((app) => app.state === 'running') ?? message.applications[0];
          if (first !== undefined) {
            this.#openApplication(first.name);
            this.#updateAddress('same');
          }
        }
        return state.notify('applications');
      case 'status':
        if (message.status.app !== state.app) return undefined;
        state.status = message.status;
        return state.notify('status');
      case 'list':
        if (message.app !== state.app) return undefined;
        state.liveSpectra = message.spectra;
        this.#showSuggested();
        return state.notify('list');
      case 'gates':
        if (message.app !== state.app) return undefined;
        state.liveGates = message.gates;
        state.allowChanges = message.allowChanges;
        return state.notify('gates');
      case 'run':
        if (message.app !== state.app) return undefined;
        state.run = message.run ?? undefined;
        return state.notify('run');
      case 'layouts':
        if (message.app !== state.app) return undefined;
        state.layouts = message.layouts;
        return state.notify('layouts');
      case 'calibrations':
        if (message.app !== state.app) return undefined;
        state.calibrations = message.calibrations;
        return state.notify('gates');
      case 'trends':
        if (message.app !== state.app) return undefined;
        state.trends = message.trends;
        state.trendProblem = message.problem;
        return state.notify('trends');
      case 'trend-values':
        if (message.app !== state.app) return undefined;
        state.trendValues = message;
        return state.notify('trend-values');
      case 'alarms':
        if (message.app !== state.app) return undefined;
        state.alarms = message.alarms;
        return state.notify('alarms');
      case 'missing':
        return this.#subscriptions.missing(message.id, message.reason);
      case 'replay':
        if (message.app !== state.app) return undefined;
        state.replay = message.replay ?? undefined;
        return state.notify('replay');
      case 'refused':
        return this.#notices.show(message.error);
      case 'timeline':
      case 'moment':
        return this.#travel.received(message);
      case 'remembered':
        return this.#moments.answered(message.request, message.atMs);
      case 'network':
        state.picture = message.picture;
        return state.notify('network');
      case 'answer':
        return this.#network.answered(message.request, message.error);
      default:
        return message satisfies never;
    }
  }

  /** A page that was restored shows an application that runs. */
  #leaveEnded(applications: readonly ApplicationSummary[]): void {
    if (!this.#restoredLast) return;
    this.#restoredLast = false;
    const runs = (app: string | undefined): boolean =>
      applications.some(({ name, state }) => name === app && state === 'running');
    const first = applications.find(({ state }) => state === 'running');
    if (first !== undefined && !runs(this.#state.app)) this.#selectApplication(first.name);
  }

  #togglePause(): void {
    const state = this.#state;
    state.paused = !state.paused;
    state.pausedDataMs = state.paused ? state.status?.dataMs : undefined;
    state.notify('paused');
  }

  #redraw(): void {
    this.#state.notify('gates');
    this.#list.redraw();
    this.#trends.strip.redraw();
    this.#network.refresh();
  }

  #handleKey(event: KeyboardEvent): void {
    const { target } = event;
    const inField =
      target instanceof HTMLInputElement ||
      target instanceof HTMLTextAreaElement ||
      target instanceof HTMLSelectElement;
    if (inField || event.altKey || document.querySelector('dialog') !== null) return;
    if (event.ctrlKey || event.metaKey) {
      const key = event.key.toLowerCase();
      if (key === 'z' && !event.shiftKey) this.#undo();
      else if (key === 'y' || key === 'z') this.#redo();
      else return;
    } else if (!this.#handlePlainKey(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Returns false for a key that has no function. */
  #handlePlainKey(event: KeyboardEvent): boolean {
    if (this.#view === 'spectra' && this.#board.handleKey(event)) return true;
    switch (event.key) {
      case '/':
        if (this.#view === 'network') this.#showView('spectra');
        this.#list.openSearch();
        return true;
      case 'p':
        this.#togglePause();
        return true;
      case 't':
        return this.#timeline.focus();
      case 'b':
        this.#travel.to(undefined);
        return true;
      case 'a':
        this.#trends.show();
        return true;
      case 'n':
        this.#showView(this.#view === 'network' ? 'spectra' : 'network');
        return true;
      case '?':
        showHelp();
        return true;
      default:
        return false;
    }
  }
}

/** The names of the largest spectra of each dimension, in the order of the list. */
function suggestedSpectra(spectra: readonly SpectrumInfo[]): string[] {
  const largest = (dimensions: 1 | 2): SpectrumInfo[] =>
    spectra
      .filter((info) => info.dimensions === dimensions)
      .sort((one, other) => other.xchans * other.ychans - one.xchans * one.ychans)
      .slice(0, SUGGESTED_PER_DIMENSION);
  const suggested = new Set([...largest(1), ...largest(2)]);
  return spectra.filter((info) => suggested.has(info)).map(({ name }) => name);
}

/** The document of a browser that must sign in first has `data-gate`, and shows only the form. */
function start(): void {
  if (document.documentElement.dataset['gate'] === undefined) {
    void new App(restoreAddress());
    return;
  }
  startTheme(() => undefined);
  const form = signInForm('h1', () => location.reload());
  document.body.replaceChildren(element('main', { class: 'gate' }, form));
  form.querySelector('input')?.focus();
}

start();
