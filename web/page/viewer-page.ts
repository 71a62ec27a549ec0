/**
 * The page once its browser may view: creates its parts, connects them, and shows the application,
 * the view and the plots that the user or the address asks for. `main.ts` creates the only one.
 * Fills the document and opens the WebSocket.
 */
import { firstApplication, runningInsteadOf, suggestedSpectra } from '../view/first-choice.js';
import { defaultPlot, formatAddress, parseAddress, type PageAddress } from '../view/plot-spec.js';
import type { TrendSource } from '../wire/trends.js';
import { AddressBar } from './address-bar.js';
import { Board } from './board.js';
import { Connection } from './connection.js';
import { DrawLoop } from './draw-loop.js';
import { Fits } from './fits.js';
import { GateChanges } from './gate-changes.js';
import { Header, type HeaderActions } from './header.js';
import { Layouts } from './layouts.js';
import { Moments } from './moments.js';
import { NetworkView } from './network-view.js';
import { Notices } from './notices.js';
import { listenForKeys } from './page-keys.js';
import { PageState } from './page-state.js';
import { preparePrinting } from './print.js';
import { ReplayBar } from './replay-bar.js';
import { ServerMessages } from './server-messages.js';
import { readSession, signOut } from './sign-in.js';
import { SpecTclMenu } from './spectcl-menu.js';
import { SpectrumList } from './spectrum-list.js';
import { Subscriptions } from './subscriptions.js';
import { startTheme } from './theme.js';
import { TimelineBar } from './timeline-bar.js';
import { SAME_STEP, Travel } from './travel.js';
import { Trends } from './trends.js';
import { ViewSwitch, type PageView } from './view-switch.js';

const SECOND_MS = 1_000;

export class ViewerPage {
  readonly #state = new PageState();
  readonly #notices = new Notices();
  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;
  readonly #travel: Travel;
  readonly #moments: Moments;
  readonly #board: Board;
  readonly #list: SpectrumList;
  readonly #header: Header;
  readonly #network: NetworkView;
  readonly #layouts: Layouts;
  readonly #trends: Trends;
  readonly #views: ViewSwitch;
  readonly #address: AddressBar;
  /** The user has not chosen any plot yet. */
  #untouched = false;
  /** The address is the one of the last time, whose application may have ended since. */
  #restoredLast: boolean;

  constructor(restoredLast: boolean) {
    this.#restoredLast = restoredLast;
    const state = this.#state;
    const notices = this.#notices;
    this.#connection = new Connection({
      opened: () => this.#opened(),
      closed: (refused) => this.#closed(refused),
      message: (message) => messages.received(message),
      frame: (frame) => this.#subscriptions.frame(frame),
    });
    // Connects before the page is built, which saves a round trip.
    this.#connection.open();
    const connection = this.#connection;
    this.#subscriptions = new Subscriptions((message) => connection.send(message));
    this.#moments = new Moments((message) => connection.send(message));
    this.#travel = new Travel(state, this.#subscriptions, {
      send: (message) => connection.send(message),
      moved: (burst) => this.#address.write(burst === SAME_STEP ? 'same' : 'step', burst),
    });
    this.#layouts = new Layouts(state, notices, {
      open: (address) => (location.hash = formatAddress({ ...parseAddress(address), atMs: state.momentMs })),
      address: () => this.#address.withoutMoment(),
    });
    this.#trends = new Trends(state, notices);
    const services = {
      state,
      subscriptions: this.#subscriptions,
      loop: new DrawLoop(),
      fits: new Fits(),
      notices,
      travel: this.#travel,
      moments: this.#moments,
      showLayouts: () => this.#layouts.show(),
      showTrends: (source?: TrendSource) => this.#trends.show(source === undefined ? {} : { source }),
      gateChanges: new GateChanges(state, notices),
    };
    this.#board = new Board(services, {
      changed: (burst) => this.#boardChanged(burst),
      undo: () => this.#address.undo(),
    });
    this.#list = new SpectrumList(
      services,
      (name, placement) => this.#board.show(name, placement),
      () => this.#board.names,
    );
    this.#network = new NetworkView(state, {
      send: (message) => connection.send(message),
      openSpectra: (app) => this.#openSpectra(app),
    });
    const run = new SpecTclMenu(state, notices, () => this.#board.names);
    this.#header = new Header(state, this.#headerActions(), run.element);
    const timeline = new TimelineBar(state, this.#travel);
    const replay = new ReplayBar(state, (message) => connection.send(message));
    this.#views = new ViewSwitch({
      network: { elements: [this.#network.element], parts: [this.#network] },
      spectra: {
        elements: [this.#list.element, this.#board.element],
        parts: [this.#layouts, timeline, replay, this.#trends.strip],
      },
    });
    const messages = new ServerMessages(
      state,
      { ...services, network: this.#network },
      {
        applicationsListed: () => this.#applicationsListed(),
        spectraListed: () => this.#showSuggested(),
      },
    );
    this.#address = new AddressBar(
      {
        shown: () => this.#shown(),
        restore: (address) => this.#restore(address),
        plotsChanged: () => this.#layouts.refresh(),
        stepsChanged: (history) => this.#header.setUndo(history),
      },
      notices,
    );
    startTheme(() => this.#redraw());
    document.body.replaceChildren(
      this.#header.element,
      this.#layouts.element,
      this.#trends.strip.element,
      this.#views.element,
      timeline.element,
      replay.element,
      notices.element,
    );
    preparePrinting(() => {
      this.#redraw();
      services.loop.drawNow();
    });
    setInterval(() => {
      if (!document.hidden) state.notify('second');
    }, SECOND_MS);
    this.#listenForKeys(timeline);
    this.#address.follow();
  }

  #headerActions(): HeaderActions {
    return {
      selectApplication: (app) => this.#selectApplication(app),
      view: (view) => this.#showView(view),
      pause: () => this.#togglePause(),
      columns: (columns) => (this.#board.columns = columns),
      themeChanged: () => this.#redraw(),
      undo: () => this.#address.undo(),
      redo: () => this.#address.redo(),
      layouts: () => this.#layouts.show(),
      trends: () => this.#trends.show(),
      signOut: () => void signOut().then(() => location.reload()),
    };
  }

  #listenForKeys(timeline: TimelineBar): void {
    listenForKeys({
      plotKey: (event) => this.#views.view === 'spectra' && this.#board.handleKey(event),
      search: () => {
        if (this.#views.view === 'network') this.#showView('spectra');
        this.#list.openSearch();
      },
      togglePause: () => this.#togglePause(),
      focusTimeline: () => timeline.focus(),
      showPresent: () => this.#travel.to(undefined),
      showTrends: () => this.#trends.show(),
      switchView: () => this.#showView(this.#views.view === 'network' ? 'spectra' : 'network'),
      undo: () => this.#address.undo(),
      redo: () => this.#address.redo(),
    });
  }

  #shown(): PageAddress {
    const { specs: plots, columns } = this.#board;
    const { app, momentMs: atMs } = this.#state;
    return { view: this.#views.view, app, columns, atMs, plots };
  }

  #restore(address: PageAddress): void {
    this.#untouched = address.plots.length === 0;
    if (address.app !== this.#state.app) this.#openApplication(address.app);
    this.#travel.restore(address.atMs);
    this.#board.restore(address.plots, address.columns);
    this.#header.columns.value = String(address.columns);
    this.#showView(address.view);
    this.#list.refresh();
  }

  /** Shows some spectra, once, when the page was opened without plots. */
  #showSuggested(): void {
    const { spectra } = this.#state;
    if (!this.#untouched || spectra === undefined || spectra.length === 0) return;
    this.#untouched = false;
    this.#board.restore(suggestedSpectra(spectra).map(defaultPlot), 0);
    this.#address.write('same');
    this.#list.refresh();
  }

  #boardChanged(burst?: string): void {
    this.#untouched = false;
    // The undo of a notice is for the step before.
    this.#notices.close();
    this.#address.write('step', burst);
    this.#list.refresh();
  }

  /** The spectra of an application, from the network page. */
  #openSpectra(app: string): void {
    if (app !== this.#state.app) this.#selectApplication(app);
    this.#showView('spectra');
  }

  #showView(view: PageView): void {
    this.#header.setView(view);
    this.#views.show(view);
    if (view === 'network') this.#list.close();
    else this.#list.refresh();
    this.#address.write('step');
  }

  #selectApplication(app: string): void {
    this.#board.closeAll();
    this.#openApplication(app);
    this.#untouched = true;
    this.#address.write('step');
  }

  #openApplication(app: string | undefined): void {
    this.#list.close();
    this.#state.selectApplication(app);
    this.#sendShown();
  }

  /** Tells the server what the page shows. */
  #sendShown(): void {
    this.#connection.send({ kind: 'app', app: this.#state.app ?? null });
    this.#travel.resend();
    this.#subscriptions.resend();
  }

  #opened(): void {
    this.#state.connected = true;
    this.#state.notify('connection');
    this.#sendShown();
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

  #applicationsListed(): void {
    const { applications = [] } = this.#state;
    // A page that was restored shows an application that runs.
    const instead = this.#restoredLast ? runningInsteadOf(this.#state.app, applications) : undefined;
    this.#restoredLast = false;
    if (instead !== undefined) this.#selectApplication(instead);
    if (this.#state.app !== undefined) return;
    const first = firstApplication(applications);
    if (first === undefined) return;
    this.#openApplication(first);
    this.#address.write('same');
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
}
