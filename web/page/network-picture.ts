/** Applications, their sources, flows and clients as boxes and lines; the dashes of a line move when data move on it. */
import { formatBytes, formatShort } from '../view/numbers.js';
import type { NetworkApplication, NetworkClient, NetworkFlow, NetworkPicture } from '../wire/messages.js';
import { svg } from './dom.js';
import type { Chosen } from './network-view.js';

interface Box {
  readonly x: number;
  readonly y: number;
}

const BOX = { width: 190, height: 54 };
const GAP = { x: 90, y: 18 };
const COLUMNS = { source: 12, flow: 12 + BOX.width + GAP.x, client: 12 + 2 * (BOX.width + GAP.x) };
const WIDTH = COLUMNS.client + BOX.width + 12;
const HEAD = 34;

type Choose = (chosen: Chosen) => void;

export function networkPicture(
  picture: NetworkPicture,
  chosen: Chosen | undefined,
  choose: Choose,
): SVGSVGElement {
  const parts: SVGElement[] = [];
  let top = 8;
  for (const app of picture.applications) {
    const { group, height } = application(app, top, chosen, choose);
    parts.push(group);
    top += height + 22;
  }
  if (picture.applications.length === 0) {
    parts.push(svg('text', { x: '20', y: '40', class: 'faint' }, 'No applications yet.'));
    top = 80;
  }
  const status = picture.hostServer
    ? picture.host
    : `${picture.host}: the host server does not answer; data go on without it`;
  parts.push(svg('text', { x: '14', y: String(top + 12), class: 'faint' }, `Host ${status}`));
  return svg(
    'svg',
    {
      viewBox: `0 0 ${WIDTH} ${top + 28}`,
      role: 'group',
      'aria-label': 'Picture of the network',
      preserveAspectRatio: 'xMidYMin meet',
    },
    ...parts,
  );
}

function application(
  app: NetworkApplication,
  top: number,
  chosen: Chosen | undefined,
  choose: Choose,
): { group: SVGElement; height: number } {
  const rows = Math.max(1, app.flows.length, app.clients.length);
  const height = HEAD + rows * (BOX.height + GAP.y) + 4;
  const rowY = (row: number): number => top + HEAD + row * (BOX.height + GAP.y);
  const lines: SVGElement[] = [];
  const boxes: SVGElement[] = [];
  const flowAt = new Map<string, Box>();
  app.flows.forEach((flow, row) => {
    const at = { x: COLUMNS.flow, y: rowY(row) };
    flowAt.set(flow.flow, at);
    boxes.push(flowBox(app, flow, at, chosen, choose));
    if (flow.source !== undefined) {
      const from = { x: COLUMNS.source, y: rowY(row) };
      boxes.push(sourceBox(flow, from));
      lines.push(line(from, at, flow.rates['receivedBytes'] ?? 0, flow.sourceState ?? 'live'));
    }
  });
  app.clients.forEach((client, row) => {
    const at = { x: COLUMNS.client, y: rowY(row) };
    boxes.push(clientBox(app, client, at, chosen, choose));
    for (const { flow, direction } of client.flows) {
      const to = flowAt.get(flow);
      const found = app.flows.find((one) => one.flow === flow);
      if (to === undefined || found === undefined) continue;
      const rate = found.rates['publishedBytes'] ?? 0;
      lines.push(line(to, at, rate, found.sourceState ?? 'live', direction === 'output'));
    }
  });
  const title = `${app.name} · ${app.state}${app.restarts > 0 ? ` · restarted ${app.restarts}×` : ''}`;
  return {
    height,
    group: svg(
      'g',
      {},
      svg('rect', {
        x: '2',
        y: String(top),
        width: String(WIDTH - 4),
        height: String(height),
        rx: '10',
        class: `net-app is-${app.state}`,
      }),
      button(
        { app: app.name },
        chosen,
        choose,
        `Application ${title}`,
        svg('text', { x: '14', y: String(top + 22), class: 'net-title' }, title),
      ),
      ...lines,
      ...boxes,
    ),
  };
}

function sourceBox(flow: NetworkFlow, { x, y }: Box): SVGElement {
  const host = /^\w+:\/\/([^?/]+)/.exec(flow.source ?? '')?.[1] ?? flow.source ?? '';
  const kind = flow.source?.startsWith('spectcl:') === true ? 'SpecTcl' : 'Provider';
  const away = flow.sourceState === 'stale' || flow.sourceState === 'ended';
  return box({ x, y }, kind, away ? `${host} · away` : host, away ? 'is-stale' : '');
}

function flowBox(
  app: NetworkApplication,
  flow: NetworkFlow,
  at: Box,
  chosen: Chosen | undefined,
  choose: Choose,
): SVGElement {
  const rate = flow.rates['published'];
  const bytes = flow.rates['publishedBytes'];
  const second =
    flow.state !== 'running'
      ? flow.state
      : `${rate === undefined ? '…' : formatShort(rate)}/s · ${bytes === undefined ? '…' : formatBytes(Math.round(bytes))}/s`;
  const stalled = (flow.rates['stalls'] ?? 0) > 0;
  const state = flow.sourceState === 'stale' ? 'is-stale' : stalled ? 'is-held' : '';
  const word = flow.sourceState === 'stale' ? ' · stale' : stalled ? ' · held back by a reader' : '';
  return button(
    { app: app.name, flow: flow.flow },
    chosen,
    choose,
    `Flow ${flow.flow}, ${second}${word}`,
    box(at, flow.flow + word, second, state),
  );
}

function clientBox(
  app: NetworkApplication,
  client: NetworkClient,
  at: Box,
  chosen: Chosen | undefined,
  choose: Choose,
): SVGElement {
  const program = client.program.split('/').at(-1) ?? client.program;
  return button(
    { app: app.name, client: client.name },
    chosen,
    choose,
    `Client ${client.name}`,
    box(at, client.name, program, client.connected ? '' : 'is-stale'),
  );
}

function box({ x, y }: Box, title: string, text: string, state: string): SVGElement {
  const cut = (words: string): string => (words.length > 28 ? `${words.slice(0, 27)}…` : words);
  return svg(
    'g',
    { class: `net-box ${state}` },
    svg('rect', {
      x: String(x),
      y: String(y),
      width: String(BOX.width),
      height: String(BOX.height),
      rx: '8',
    }),
    svg('text', { x: String(x + 12), y: String(y + 22), class: 'net-name' }, cut(title)),
    svg('text', { x: String(x + 12), y: String(y + 41), class: 'net-text' }, cut(text)),
  );
}

/** From the right edge of one box to the left edge of another. Wider and faster with more bytes, still without. */
function line(from: Box, to: Box, bytesPerSecond: number, state: string, against = false): SVGElement {
  const [x1, y1, x2, y2] = [from.x + BOX.width, from.y + BOX.height / 2, to.x, to.y + BOX.height / 2];
  const middle = (x1 + x2) / 2;
  const moving = bytesPerSecond > 0 && state === 'live';
  const width = 1.5 + Math.min(2.5, 0.6 * Math.log10(1 + bytesPerSecond / 10_000));
  return svg('path', {
    d: `M${x1} ${y1} C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`,
    class: `net-line${moving ? ' is-moving' : ''}${against ? ' is-against' : ''}${state === 'live' ? '' : ' is-stale'}`,
    'stroke-width': width.toFixed(1),
  });
}

/** Whatever can be clicked can be reached with Tab and pressed with Enter. */
function button(
  what: Chosen,
  chosen: Chosen | undefined,
  choose: Choose,
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
