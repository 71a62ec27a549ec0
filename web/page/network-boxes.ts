/** The boxes of the network's picture: sources, flows and clients, and what can be clicked. */
import {
  fillRatio,
  flowLagText,
  flowLagRatio,
  flowRateText,
  flowProblem,
  usageSummary,
  mostLoadedUsage,
} from '../view/network-words.js';
import type { NetworkApplication, NetworkClient, NetworkFlow } from '../wire/messages.js';
import { svg } from './dom.js';

/** What was clicked: an application, one of its flows, or one of its clients. */
export interface NetworkSelection {
  readonly app: string;
  readonly flow?: string;
  readonly client?: string;
}

export interface SelectionControl {
  readonly chosen: NetworkSelection | undefined;
  readonly choose: (chosen: NetworkSelection) => void;
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

export const BOX = { width: 220, height: 76 };
const INSET = 12;
const LINES_Y = [22, 41, 58] as const;
const BAR = { y: 66, height: 4 };
const CHARACTERS_MAX = 33;
/** A history or ring that is filled further than this is shown as one that is about to be full. */
const NEARLY_FULL = 0.8;

interface Content {
  readonly title: string;
  readonly lines: readonly string[];
  readonly state?: 'stale' | 'held' | undefined;
  /** 0 to 1, as a bar. */
  readonly fill?: number | undefined;
}

export function sourceBox(flow: NetworkFlow, place: Place): SVGElement {
  const host = /^\w+:\/\/([^?/]+)/.exec(flow.source ?? '')?.[1] ?? flow.source ?? '';
  const away = flow.sourceState === 'stale' || flow.sourceState === 'ended';
  return box(place, {
    title: flow.source?.startsWith('spectcl:') === true ? 'SpecTcl' : 'Provider',
    lines: [host, away ? 'away' : ''],
    state: away ? 'stale' : undefined,
  });
}

export function flowBox(
  app: NetworkApplication,
  flow: NetworkFlow,
  place: Place,
  choosing: SelectionControl,
): SVGElement {
  const trouble = flowProblem(flow);
  const stale = flow.sourceState === 'stale' || flow.sourceState === 'ended';
  const lines = [trouble ?? flowRateText(flow), flowLagText(flow)];
  return button(
    { app: app.name, flow: flow.flow },
    choosing,
    `Flow ${flow.flow}, ${lines.join(', ')}`,
    box(place, {
      title: flow.flow,
      lines,
      state: stale ? 'stale' : flow.holding.length > 0 ? 'held' : undefined,
      fill: flowLagRatio(flow),
    }),
  );
}

export function clientBox(
  app: NetworkApplication,
  client: NetworkClient,
  place: Place,
  choosing: SelectionControl,
): SVGElement {
  const program = client.program.split('/').at(-1) ?? client.program;
  const worst = mostLoadedUsage(client);
  const figures = worst === undefined ? 'no flow open' : usageSummary(worst);
  const holds = client.flows.filter(({ holding }) => holding === true).map(({ flow }) => flow);
  const title = holds.length === 0 ? client.name : `${client.name} holds ${holds.join(', ')} back`;
  return button(
    { app: app.name, client: client.name },
    choosing,
    `Client ${title}, ${figures}`,
    box(place, {
      title,
      lines: [program, client.connected ? (client.answered ? figures : 'does not answer') : 'not connected'],
      state: !client.connected || !client.answered ? 'stale' : holds.length > 0 ? 'held' : undefined,
      fill: worst?.direction === 'input' ? fillRatio(worst) : undefined,
    }),
  );
}

function box({ x, y }: Place, { title, lines, state, fill }: Content): SVGElement {
  const text = (words: string, line: number): SVGElement =>
    svg(
      'text',
      {
        x: String(x + INSET),
        y: String(y + (LINES_Y[line] ?? 0)),
        class: line === 0 ? 'net-name' : 'net-text',
      },
      words.length > CHARACTERS_MAX ? `${words.slice(0, CHARACTERS_MAX - 1)}…` : words,
    );
  const bar = (share: number, name: string): SVGElement =>
    svg('rect', {
      x: String(x + INSET),
      y: String(y + BAR.y),
      width: ((BOX.width - 2 * INSET) * share).toFixed(1),
      height: String(BAR.height),
      rx: '2',
      class: name,
    });
  return svg(
    'g',
    { class: `net-box${state === undefined ? '' : ` is-${state}`}` },
    svg('rect', {
      x: String(x),
      y: String(y),
      width: String(BOX.width),
      height: String(BOX.height),
      rx: '8',
      class: 'net-frame',
    }),
    ...[title, ...lines].map(text),
    ...(fill === undefined
      ? []
      : [bar(1, 'net-bar'), bar(fill, `net-fill${fill > NEARLY_FULL ? ' is-high' : ''}`)]),
  );
}

/** Whatever can be clicked can be reached with Tab and pressed with Enter. */
export function button(
  what: NetworkSelection,
  { chosen, choose }: SelectionControl,
  label: string,
  child: SVGElement,
): SVGElement {
  const key = JSON.stringify(what);
  const made = svg(
    'g',
    {
      role: 'button',
      tabindex: '0',
      'aria-label': label,
      'data-key': key,
      class: `net-button${key === JSON.stringify(chosen) ? ' is-chosen' : ''}`,
    },
    child,
  );
  made.addEventListener('click', () => choose(what));
  made.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    choose(what);
  });
  return made;
}
