/**
 * The network page: the picture, the details of what was clicked, and starting and stopping
 * applications.
 */
import type { NetworkApplication, PageMessage } from '../wire/messages.js';
import { element, setText } from './dom.js';
import type { NetworkSelection } from './network-boxes.js';
import { applicationDetails, clientDetails, flowDetails, type DetailRows } from './network-details.js';
import { networkPicture } from './network-picture.js';
import type { PageState } from './page-state.js';

export class NetworkView {
  readonly element = element('section', { class: 'network-page', 'aria-label': 'Network' });
  readonly #state: PageState;
  readonly #send: (message: PageMessage) => void;
  readonly #picture = element('div', { class: 'network-picture' });
  readonly #details = element('aside', { class: 'network-details', 'aria-label': 'Details' });
  readonly #note = element('p', { class: 'problem', role: 'alert' });
  readonly #narrow = matchMedia('(max-width: 760px)');
  #chosen: NetworkSelection | undefined;
  #visible = false;
  #request = 1;
  #waiting = new Map<number, string>();

  constructor(state: PageState, send: (message: PageMessage) => void) {
    this.#state = state;
    this.#send = send;
    this.element.append(this.#picture, this.#details);
    state.on('network', () => this.refresh());
    state.on('connection', () => this.refresh());
    document.addEventListener('visibilitychange', () => this.#ask());
    this.#narrow.addEventListener('change', () => this.refresh());
  }

  setVisible(visible: boolean): void {
    this.#visible = visible;
    this.#ask();
    this.refresh();
  }

  reconnected(): void {
    this.#waiting.clear();
    this.#ask();
  }

  answered(request: number, error: string | undefined): void {
    this.#waiting.delete(request);
    setText(this.#note, error ?? '');
    this.refresh();
  }

  refresh(): void {
    if (!this.#visible) return;
    const { picture } = this.#state;
    this.element.classList.toggle('is-stale', !this.#state.connected);
    if (picture === undefined) {
      this.#picture.replaceChildren(element('p', { class: 'list-note' }, 'Looking at the network …'));
      return;
    }
    const focused = document.activeElement?.getAttribute('data-key');
    const choose = (chosen: NetworkSelection): void => {
      this.#chosen = chosen;
      this.refresh();
    };
    const drawn = networkPicture(picture, { chosen: this.#chosen, choose }, this.#narrow.matches);
    this.#picture.replaceChildren(drawn);
    if (focused !== undefined && focused !== null) {
      const again = [...drawn.querySelectorAll<SVGElement>('[data-key]')].find(
        (node) => node.dataset['key'] === focused,
      );
      again?.focus();
    }
    this.#tell();
  }

  #ask(): void {
    this.#send({ kind: 'network', on: this.#visible && !document.hidden });
  }

  #tell(): void {
    const { picture } = this.#state;
    const applications = picture?.applications ?? [];
    const app = applications.find(({ name }) => name === this.#chosen?.app) ?? applications[0];
    if (app === undefined) {
      this.#details.replaceChildren(
        element('h2', {}, 'No application'),
        element('p', {}, 'Start one with “mirrorflow run NAME --spectcl ADDRESS”.'),
      );
      return;
    }
    const flow = app.flows.find((one) => one.flow === this.#chosen?.flow);
    const client = app.clients.find((one) => one.name === this.#chosen?.client);
    const [title, facts]: [string, DetailRows] =
      flow !== undefined
        ? [`Flow ${flow.flow}`, flowDetails(flow, app.clients)]
        : client !== undefined
          ? [`Client ${client.name}`, clientDetails(client)]
          : [`Application ${app.name}`, applicationDetails(app)];
    // Built anew only when it differs, so that a button under the pointer stays what it is.
    const key = JSON.stringify([
      title,
      facts,
      app.state,
      this.#state.welcome?.control,
      [...this.#waiting],
      this.#note.textContent,
    ]);
    if (this.#details.dataset['key'] === key) return;
    this.#details.dataset['key'] = key;
    this.#details.replaceChildren(
      element('h2', {}, title),
      element(
        'dl',
        {},
        ...facts.flatMap(([name, value]) =>
          value === undefined ? [] : [element('dt', {}, name), element('dd', {}, value)],
        ),
      ),
      ...(flow === undefined && client === undefined ? [this.#control(app)] : []),
      this.#note,
    );
  }

  #control(app: NetworkApplication): HTMLElement {
    const control = this.#state.welcome?.control;
    const action = app.state === 'running' || app.state === 'starting' ? 'stop' : 'run';
    const busy = [...this.#waiting.values()].includes(app.name);
    const text = action === 'run' ? 'Start this application' : 'Stop this application';
    const button = element(
      'button',
      {
        type: 'button',
        class: action === 'run' ? 'primary' : 'danger',
        disabled: control !== 'yes' || busy,
        onclick: () => this.#act(action, app.name),
      },
      busy ? 'Working …' : text,
    );
    const why =
      control === 'yes'
        ? ''
        : control === 'sign-in'
          ? 'Sign in to start and stop applications.'
          : 'Starting and stopping from here needs a shared secret: MIRRORFLOW_SECRET_FILE.';
    return element('div', { class: 'control' }, button, element('p', { class: 'hint' }, why));
  }

  #act(action: 'run' | 'stop', app: string): void {
    if (
      action === 'stop' &&
      !confirm(`Stop the application ${app}? Displays that look at it keep its last data.`)
    )
      return;
    const request = this.#request;
    this.#request += 1;
    this.#waiting.set(request, app);
    this.#send({ kind: 'control', request, action, app });
    this.refresh();
  }
}
