/** The network page: the picture, the details of what was clicked, and starting and stopping applications. */
import { formatBytes, formatCount, formatShort } from '../view/numbers.js';
import type { NetworkApplication, NetworkFlow, PageMessage } from '../wire/messages.js';
import { element, setText } from './dom.js';
import { networkPicture } from './network-picture.js';
import type { PageState } from './state.js';

/** What was clicked: an application, one of its flows, or one of its clients. */
export interface Chosen {
  readonly app: string;
  readonly flow?: string;
  readonly client?: string;
}

export class NetworkView {
  readonly element = element('section', { class: 'network-page', 'aria-label': 'Network' });
  readonly #state: PageState;
  readonly #send: (message: PageMessage) => void;
  readonly #picture = element('div', { class: 'network-picture' });
  readonly #details = element('aside', { class: 'network-details', 'aria-label': 'Details' });
  readonly #note = element('p', { class: 'problem', role: 'alert' });
  #chosen: Chosen | undefined;
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
    const drawn = networkPicture(picture, this.#chosen, (chosen) => {
      this.#chosen = chosen;
      this.refresh();
    });
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
    const facts: (readonly [string, string])[] =
      flow !== undefined
        ? flowFacts(flow)
        : client !== undefined
          ? [
              ['program', client.program],
              ['process', String(client.pid)],
              ['connected', client.connected ? 'yes' : 'no'],
              ...client.flows.map(
                ({ flow, direction }) => [direction === 'input' ? 'reads' : 'writes', flow] as const,
              ),
            ]
          : appFacts(app);
    const title =
      flow !== undefined
        ? `Flow ${flow.flow}`
        : client !== undefined
          ? `Client ${client.name}`
          : `Application ${app.name}`;
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
        ...facts.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
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

function appFacts(app: NetworkApplication): (readonly [string, string])[] {
  return [
    ['state', app.state],
    ...(app.source === undefined ? [] : [['source', app.source] as const]),
    ['restarts', String(app.restarts)],
    ...(app.pid === undefined ? [] : [['process', String(app.pid)] as const]),
    ...(app.port === undefined ? [] : [['port', String(app.port)] as const]),
    ['clients', String(app.clients.length)],
    ...(app.cause === undefined ? [] : [['cause', app.cause] as const]),
    ...(app.problem === undefined ? [] : [['problem', app.problem] as const]),
  ];
}

function flowFacts(flow: NetworkFlow): (readonly [string, string])[] {
  const counters = Object.entries(flow.counters).map(([name, value]): readonly [string, string] => {
    const rate = flow.rates[name];
    const bytes = name.endsWith('Bytes');
    const shown = bytes ? formatBytes(value) : formatCount(value);
    const perSecond =
      rate === undefined ? '' : ` · ${bytes ? formatBytes(Math.round(rate)) : formatShort(rate)}/s`;
    return [spaced(name), name.endsWith('Ns') ? `${formatShort(value / 1e9)} s` : shown + perSecond];
  });
  return [
    ['state', flow.sourceState === undefined ? flow.state : `${flow.state}, ${flow.sourceState}`],
    ['type', flow.type],
    ...(flow.source === undefined ? [] : [['source', flow.source] as const]),
    ...(flow.buffers === undefined
      ? []
      : [['ring', `${flow.buffers} × ${formatBytes(flow.bufferSize ?? 0)}`] as const]),
    ...(flow.pid === undefined ? [] : [['duplicator', `process ${flow.pid}`] as const]),
    ['restarts', String(flow.restarts)],
    ...(flow.cause === undefined ? [] : [['cause', flow.cause] as const]),
    ...counters,
  ];
}

function spaced(name: string): string {
  return name.replace(/Bytes$|Ns$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
