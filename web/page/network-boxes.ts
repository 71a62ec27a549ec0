/**
 * The boxes of the network picture as SVG elements: sources (programs that send data), flows (rings
 * of buffers in shared memory) and clients (programs that read or write flows). All are buttons
 * that select their details. `network-picture.ts` places the boxes and inserts them.
 */
import {
  fillRatio,
  flowLagText,
  flowLagRatio,
  flowRateText,
  flowProblem,
  usageSummary,
  mostLoadedUsage,
} from '../view/network-words.js';
import type { NetworkApplication, NetworkClient, NetworkFlow } from '../wire/network.js';
import { svg } from './dom.js';

/** A selected application, one of its flows, the source of a flow, or one of its clients. */
export interface NetworkSelection {
  readonly app: string;
  readonly flow?: string;
  readonly sourceOf?: string;
  readonly client?: string;
}

/** Upper left corner of a box, in units of the SVG. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Size of a box, in units of the SVG as all lengths here. */
export const BOX = { width: 220, height: 76 };
/** Free space on the left and right of the content of a box. */
const INSET = 12;
/** Baselines of the title and the two lines below it. */
const LINES_Y = [22, 41, 58] as const;
/** The bar that shows the fill of a history or ring. */
const BAR = { y: 66, height: 4 };
/** A longer line of text is cut. */
const CHARACTERS_MAX = 33;
/** Fill, 0 to 1, above which a history or ring is marked as nearly full. */
const NEARLY_FULL = 0.8;

interface BoxContent {
  readonly title: string;
  readonly lines: readonly string[];
  readonly state?: 'stale' | 'held' | undefined;
  /** Length of the bar, 0 to 1; no bar when missing. */
  readonly fill?: number | undefined;
}

export function sourceBox(
  app: NetworkApplication,
  flow: NetworkFlow,
  place: Place,
  selected: NetworkSelection | undefined,
): SVGElement {
  const host = /^\w+:\/\/([^?/]+)/.exec(flow.source ?? '')?.[1] ?? flow.source ?? '';
  const isUnreachable = flow.sourceState === 'stale' || flow.sourceState === 'ended';
  const title = flow.source?.startsWith('spectcl:') === true ? 'SpecTcl' : 'Provider';
  return button(
    { app: app.name, sourceOf: flow.flow },
    selected,
    `Source ${title}, ${host}, ${isUnreachable ? 'unreachable' : (flow.sourceState ?? flow.state)}`,
    box(place, {
      title,
      lines: [host, isUnreachable ? 'unreachable' : ''],
      state: isUnreachable ? 'stale' : undefined,
    }),
  );
}

export function flowBox(
  app: NetworkApplication,
  flow: NetworkFlow,
  place: Place,
  selected: NetworkSelection | undefined,
): SVGElement {
  const problem = flowProblem(flow);
  const isStale = flow.sourceState === 'stale' || flow.sourceState === 'ended';
  const lines = [problem ?? flowRateText(flow), flowLagText(flow)];
  return button(
    { app: app.name, flow: flow.flow },
    selected,
    `Flow ${flow.flow}, ${lines.join(', ')}`,
    box(place, {
      title: flow.flow,
      lines,
      state: isStale ? 'stale' : flow.holding.length > 0 ? 'held' : undefined,
      fill: flowLagRatio(flow),
    }),
  );
}

export function clientBox(
  app: NetworkApplication,
  client: NetworkClient,
  place: Place,
  selected: NetworkSelection | undefined,
): SVGElement {
  const program = client.program.split('/').at(-1) ?? client.program;
  const usage = mostLoadedUsage(client);
  const figures = usage === undefined ? 'no flow open' : usageSummary(usage);
  const status = client.connected ? (client.answered ? figures : 'does not answer') : 'not connected';
  const holds = client.flows.filter(({ holding }) => holding === true).map(({ flow }) => flow);
  const title = holds.length === 0 ? client.name : `${client.name} holds ${holds.join(', ')} back`;
  return button(
    { app: app.name, client: client.name },
    selected,
    `Client ${title}, ${status}, ${program}`,
    box(place, {
      title,
      lines: [status, program],
      state: !client.connected || !client.answered ? 'stale' : holds.length > 0 ? 'held' : undefined,
      fill: usage?.direction === 'input' ? fillRatio(usage) : undefined,
    }),
  );
}

function box({ x, y }: Place, { title, lines, state, fill }: BoxContent): SVGElement {
  const text = (content: string, line: number): SVGElement =>
    svg(
      'text',
      {
        x: String(x + INSET),
        y: String(y + (LINES_Y[line] ?? 0)),
        class: line === 0 ? 'net-name' : 'net-text',
      },
      content.length > CHARACTERS_MAX ? `${content.slice(0, CHARACTERS_MAX - 1)}…` : content,
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
    // The commas are not drawn; with them the texts are part of the label of the button.
    text(title, 0),
    ...lines.flatMap((content, line) => (content === '' ? [] : [', ', text(content, line + 1)])),
    ...(fill === undefined
      ? []
      : [bar(1, 'net-bar'), bar(fill, `net-fill${fill > NEARLY_FULL ? ' is-high' : ''}`)]),
  );
}

/**
 * An SVG group that is a button for pointer and keyboard; `NetworkView` handles both, since a
 * picture is replaced while a button is pressed.
 */
export function button(
  selection: NetworkSelection,
  selected: NetworkSelection | undefined,
  label: string,
  child: SVGElement,
): SVGElement {
  const key = JSON.stringify(selection);
  const isSelected = key === JSON.stringify(selected);
  return svg(
    'g',
    {
      role: 'button',
      tabindex: '0',
      'aria-label': label,
      'aria-pressed': String(isSelected),
      'data-key': key,
      class: `net-button${isSelected ? ' is-chosen' : ''}`,
    },
    child,
  );
}
