/**
 * The network page: the picture of the network, the details of the selected box, and the button
 * that starts and stops applications. `viewer-page.ts` creates it and forwards its messages.
 * Changes its own part of the document; requests go out through `viewer-page.ts`.
 */
import { dataState, networkStateText } from '../view/data-state.js';
import { applicationStateText } from '../view/network-words.js';
import type { PageMessage } from '../wire/messages.js';
import type { FarHost, NetworkApplication } from '../wire/network.js';
import { element, keepFocus, setText } from './dom.js';
import { farHostTable } from './far-hosts.js';
import type { NetworkSelection } from './network-boxes.js';
import {
  applicationDetails,
  clientDetails,
  flowDetails,
  sourceDetails,
  type DetailRows,
} from './network-details.js';
import { networkPicture } from './network-picture.js';
import type { PageState } from './page-state.js';

export interface NetworkEvents {
  send(message: PageMessage): void;
  /** Shows the spectra of an application. */
  openSpectra(app: string): void;
}

export class NetworkView {
  readonly element = element('section', { class: 'network-page', 'aria-label': 'Network' });
  readonly #state: PageState;
  readonly #events: NetworkEvents;
  readonly #picture = element('div', { class: 'network-picture' });
  /** Below the picture; replaced only when different. */
  readonly #far = element('div', { class: 'network-far' });
  readonly #details = element('aside', { class: 'network-details', 'aria-label': 'Details' });
  /** As the header says it; without the viewer's server with the age of the picture. */
  readonly #stateNote = element('p', { class: 'network-state', role: 'status' });
  readonly #note = element('p', { class: 'problem', role: 'alert' });
  readonly #narrow = matchMedia('(max-width: 760px)');
  #selected: NetworkSelection | undefined;
  #visible = false;
  #nextRequest = 1;
  /** Applications by unanswered request. */
  readonly #pending = new Map<number, string>();

  constructor(state: PageState, events: NetworkEvents) {
    this.#state = state;
    this.#events = events;
    this.element.append(this.#stateNote, this.#picture, this.#details, this.#far);
    this.#listenToPicture();
    state.on('network', () => this.refresh());
    state.on('connection', () => this.refresh());
    for (const topic of ['second', 'status', 'paused'] as const) state.on(topic, () => this.#updateState());
    document.addEventListener('visibilitychange', () => this.#follow());
    this.#narrow.addEventListener('change', () => this.refresh());
  }

  setVisible(visible: boolean): void {
    this.#visible = visible;
    this.#follow();
    this.refresh();
  }

  reconnected(): void {
    this.#pending.clear();
    this.#follow();
  }

  answered(request: number, error: string | undefined): void {
    this.#pending.delete(request);
    setText(this.#note, error ?? '');
    this.refresh();
  }

  refresh(): void {
    if (!this.#visible) return;
    const { picture } = this.#state;
    this.#updateState();
    if (picture === undefined) {
      this.#picture.replaceChildren(element('p', { class: 'list-note' }, 'Loading the network …'));
      return;
    }
    const drawn = networkPicture(picture, {
      selected: this.#selected,
      narrow: this.#narrow.matches,
      stateOf: (app) => this.#stateOf(app),
    });
    keepFocus(this.#picture, () => this.#picture.replaceChildren(drawn));
    this.#updateDetails();
    this.#updateFar(picture.far ?? []);
  }

  #updateFar(hosts: readonly FarHost[]): void {
    const key = JSON.stringify(hosts);
    if (this.#far.dataset['shown'] === key) return;
    this.#far.dataset['shown'] = key;
    this.#far.replaceChildren(...(hosts.length === 0 ? [] : [farHostTable(hosts)]));
  }

  /** A picture is replaced once a second, also between press and release. */
  #listenToPicture(): void {
    let pressed: string | undefined;
    const keyAt = ({ target }: Event): string | undefined => {
      const box = target instanceof Element ? target.closest<SVGElement>('[data-key]') : null;
      return box?.dataset['key'];
    };
    const select = (key: string | undefined): void => {
      if (key === undefined) return;
      this.#selected = JSON.parse(key) as NetworkSelection;
      this.refresh();
    };
    this.#picture.addEventListener('pointerdown', (event) => (pressed = keyAt(event)));
    this.#picture.addEventListener('pointerup', (event) => {
      if (keyAt(event) === pressed) select(pressed);
    });
    // A click of a screen reader comes without a pointer.
    this.#picture.addEventListener('click', (event) => {
      if (event.detail === 0) select(keyAt(event));
    });
    this.#picture.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      select(keyAt(event));
    });
  }

  /** As the header of the page has it, for the application of the header; only plots are paused. */
  #stateOf(application: NetworkApplication): string {
    const { app, connected, status } = this.#state;
    const { kind, label } = dataState({ connected, paused: false, status }, Date.now());
    const isShown = application.name === app && kind !== 'connecting';
    return applicationStateText(application, isShown ? label : undefined);
  }

  #updateState(): void {
    const { app, connected, paused, status, picture } = this.#state;
    this.element.classList.toggle('is-stale', !connected);
    const shownMs = connected ? status?.dataMs : picture?.atMs;
    const text = networkStateText(app, dataState({ connected, paused, status }, Date.now(), shownMs));
    setText(this.#stateNote, text);
    this.#stateNote.hidden = text === '';
  }

  /** Requests pictures while the page is visible. */
  #follow(): void {
    this.#events.send({ kind: 'network', on: this.#visible && !document.hidden });
  }

  #updateDetails(): void {
    const { picture } = this.#state;
    const applications = picture?.applications ?? [];
    const app = applications.find(({ name }) => name === this.#selected?.app) ?? applications[0];
    if (app === undefined) {
      this.#details.replaceChildren(
        element('h2', {}, 'No application'),
        element('p', {}, 'Start one with “mirrorflow run NAME --spectcl ADDRESS”.'),
      );
      return;
    }
    const flow = app.flows.find((candidate) => candidate.flow === this.#selected?.flow);
    const source = app.flows.find((candidate) => candidate.flow === this.#selected?.sourceOf);
    const client = app.clients.find((candidate) => candidate.name === this.#selected?.client);
    const [title, facts]: [string, DetailRows] =
      flow !== undefined
        ? [`Flow ${flow.flow}`, flowDetails(flow, app.clients)]
        : source !== undefined
          ? [`Source of ${source.flow}`, sourceDetails(source)]
          : client !== undefined
            ? [`Client ${client.name}`, clientDetails(client)]
            : [`Application ${app.name}`, applicationDetails(app, this.#stateOf(app))];
    // Replaced only when different, so that a click is not lost between two pictures.
    const key = JSON.stringify([
      title,
      facts,
      app.state,
      this.#state.welcome?.control,
      [...this.#pending],
      this.#note.textContent,
    ]);
    if (this.#details.dataset['key'] === key) return;
    this.#details.dataset['key'] = key;
    const content = [
      element('h2', {}, title),
      element(
        'dl',
        {},
        ...facts.flatMap(([name, value]) =>
          value === undefined ? [] : [element('dt', {}, name), element('dd', {}, value)],
        ),
      ),
      ...((flow ?? source ?? client) === undefined ? [this.#control(app)] : []),
      this.#note,
    ];
    keepFocus(this.#details, () => this.#details.replaceChildren(...content));
  }

  #control(app: NetworkApplication): HTMLElement {
    const control = this.#state.welcome?.control;
    const action = app.state === 'running' || app.state === 'starting' ? 'stop' : 'run';
    const busy = [...this.#pending.values()].includes(app.name);
    const text = action === 'run' ? 'Start this application' : 'Stop this application';
    const button = element(
      'button',
      {
        type: 'button',
        'data-key': 'control',
        class: action === 'run' ? 'primary' : 'danger',
        disabled: control !== 'yes' || busy,
        onclick: () => this.#requestControl(action, app.name),
      },
      busy ? 'Working …' : text,
    );
    const hint =
      control === 'yes'
        ? ''
        : control === 'sign-in'
          ? 'Sign in to start and stop applications.'
          : 'To start and stop applications here, give the host server a shared secret: MIRRORFLOW_SECRET_FILE.';
    const open = element(
      'button',
      { type: 'button', 'data-key': 'spectra', onclick: () => this.#events.openSpectra(app.name) },
      'Show the spectra',
    );
    return element('div', { class: 'control' }, open, ' ', button, element('p', { class: 'hint' }, hint));
  }

  #requestControl(action: 'run' | 'stop', app: string): void {
    if (action === 'stop' && !confirm(`Stop the application ${app}? Displays keep its last data.`)) return;
    const request = this.#nextRequest;
    this.#nextRequest += 1;
    this.#pending.set(request, app);
    this.#events.send({ kind: 'control', request, action, app });
    this.refresh();
  }
}
