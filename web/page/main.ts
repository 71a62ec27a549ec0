/**
 * The page: the line on top, then the list beside the board, or the network. The address bar says
 * what is shown; everything else is asked of the server over one WebSocket.
 *
 *   connection.ts      the WebSocket              board.ts, plot*.ts   plots
 *   subscriptions.ts   what is in sight           spectrum-list.ts     the list
 *   state.ts           what is known              network*.ts          the network
 */
import { formatAddress, parseAddress, defaultPlot } from '../view/plot-spec.js';
import { suggestedSpectra } from '../view/suggested.js';
import type { ServerMessage } from '../wire/messages.js';
import { Board } from './board.js';
import { Connection } from './connection.js';
import { element } from './dom.js';
import { DrawLoop } from './draw-loop.js';
import { Header } from './header.js';
import { showHelp } from './help.js';
import { NetworkView } from './network-view.js';
import { readSession, signInForm, signOut } from './sign-in.js';
import { SpectrumList } from './spectrum-list.js';
import { PageState } from './page-state.js';
import { Subscriptions } from './subscriptions.js';
import { startTheme } from './theme.js';

class App {
  readonly #state = new PageState();
  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;
  readonly #board: Board;
  readonly #list: SpectrumList;
  readonly #header: Header;
  readonly #network: NetworkView;
  readonly #main = element('main', {});
  #view: 'spectra' | 'network' = 'spectra';
  #restoring = false;
  /** Whether what is shown is still nobody's wish. */
  #untouched = false;

  constructor() {
    const state = this.#state;
    this.#connection = new Connection({
      opened: () => this.#opened(),
      closed: (refused) => this.#closed(refused),
      message: (message) => this.#received(message),
      frame: (frame) => this.#subscriptions.frame(frame),
    });
    // Before anything is built: the line is there when the page is.
    this.#connection.open();
    this.#subscriptions = new Subscriptions((message) => this.#connection.send(message));
    const services = { state, subscriptions: this.#subscriptions, loop: new DrawLoop() };
    this.#board = new Board(services, () => this.#boardChanged());
    this.#list = new SpectrumList(
      services,
      (name, how) => this.#board.show(name, how),
      () => this.#board.names,
    );
    this.#network = new NetworkView(state, (message) => this.#connection.send(message));
    this.#header = new Header(state, {
      choose: (app) => this.#choose(app),
      view: (view) => this.#show(view),
      pause: () => this.#pause(),
      columns: (columns) => (this.#board.columns = columns),
      themeChanged: () => this.#redraw(),
      help: showHelp,
      signIn: () => this.#signIn(),
      signOut: () => void signOut().then(() => location.reload()),
    });
    startTheme(() => this.#redraw());
    document.body.replaceChildren(this.#header.element, this.#main);
    addEventListener('hashchange', () => this.#restore());
    addEventListener('keydown', (event) => this.#key(event));
    this.#restore();
  }

  #restore(): void {
    const address = parseAddress(location.hash);
    this.#restoring = true;
    this.#untouched = address.plots.length === 0;
    if (address.app !== this.#state.app) this.#enter(address.app);
    this.#board.restore(address.plots, address.columns);
    this.#header.columns.value = String(address.columns);
    this.#show(address.view);
    this.#restoring = false;
    this.#list.refresh();
  }

  #remember(): void {
    if (this.#restoring) return;
    const { specs: plots, columns } = this.#board;
    const hash = formatAddress({ view: this.#view, app: this.#state.app, columns, plots });
    if (hash !== location.hash) history.replaceState(null, '', hash);
  }

  /** A page that was opened without plots shows some, once. */
  #suggest(): void {
    const { spectra } = this.#state;
    if (!this.#untouched || spectra === undefined || spectra.length === 0) return;
    this.#untouched = false;
    this.#board.restore(suggestedSpectra(spectra).map(defaultPlot), 0);
    this.#boardChanged();
  }

  #boardChanged(): void {
    this.#untouched = false;
    this.#remember();
    this.#list.refresh();
  }

  #show(view: 'spectra' | 'network'): void {
    this.#view = view;
    this.#header.setView(view);
    const shown = view === 'network' ? [this.#network.element] : [this.#list.element, this.#board.element];
    this.#main.className = view;
    this.#main.replaceChildren(...shown);
    this.#network.setVisible(view === 'network');
    if (view === 'network') this.#list.close();
    else this.#list.refresh();
    this.#remember();
  }

  #choose(app: string): void {
    this.#board.closeAll();
    this.#enter(app);
    this.#untouched = true;
    this.#remember();
  }

  #enter(app: string | undefined): void {
    this.#list.close();
    this.#state.selectApplication(app);
    this.#connection.send({ kind: 'app', app: app ?? null });
    this.#subscriptions.resend();
  }

  #opened(): void {
    this.#state.connected = true;
    this.#state.notify('connection');
    this.#connection.send({ kind: 'app', app: this.#state.app ?? null });
    this.#subscriptions.resend();
    this.#network.reconnected();
  }

  #closed(refused: boolean): void {
    this.#state.connected = false;
    this.#state.notify('connection');
    // A server that was started anew knows no sessions any more.
    if (refused)
      void readSession().then(
        ({ mayLook }) => (mayLook ? undefined : location.reload()),
        () => undefined,
      );
  }

  #received(message: ServerMessage): void {
    const state = this.#state;
    switch (message.kind) {
      case 'welcome':
        state.welcome = message;
        return state.notify('connection');
      case 'applications':
        state.hostServer = message.hostServer;
        state.applications = message.applications;
        if (state.app === undefined) {
          const first =
            message.applications.find((app) => app.state === 'running') ?? message.applications[0];
          if (first !== undefined) {
            this.#enter(first.name);
            this.#remember();
          }
        }
        return state.notify('applications');
      case 'status':
        if (message.status.app !== state.app) return undefined;
        state.status = message.status;
        return state.notify('status');
      case 'list':
        if (message.app !== state.app) return undefined;
        state.spectra = message.spectra;
        this.#suggest();
        return state.notify('list');
      case 'gates':
        if (message.app !== state.app) return undefined;
        state.gates = message.gates;
        return state.notify('gates');
      case 'missing':
        return this.#subscriptions.missing(message.id);
      case 'network':
        state.picture = message.picture;
        return state.notify('network');
      case 'answer':
        return this.#network.answered(message.request, message.error);
      default:
        return message satisfies never;
    }
  }

  #pause(): void {
    this.#state.paused = !this.#state.paused;
    this.#state.notify('paused');
  }

  #redraw(): void {
    this.#state.notify('gates');
    this.#list.redraw();
    this.#network.refresh();
  }

  #signIn(): void {
    const dialog = element('dialog', { class: 'help', 'aria-label': 'Sign in' });
    dialog.append(
      signInForm(() => location.reload()),
      element('form', { method: 'dialog' }, element('button', {}, 'Cancel')),
    );
    dialog.addEventListener('close', () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  #key(event: KeyboardEvent): void {
    const { target } = event;
    const typing = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
    if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog') !== null)
      return;
    if (event.key === '/') this.#list.search.focus();
    else if (event.key === 'p') this.#pause();
    else if (event.key === 'n') this.#show(this.#view === 'network' ? 'spectra' : 'network');
    else if (event.key === '?') showHelp();
    else return;
    event.preventDefault();
  }
}

/** The server gives another document to whoever must sign in first. */
function start(): void {
  if (document.documentElement.dataset['gate'] === undefined) {
    void new App();
    return;
  }
  startTheme(() => undefined);
  const form = signInForm(() => location.reload());
  document.body.replaceChildren(element('main', { class: 'gate' }, form));
  form.querySelector('input')?.focus();
}

start();
