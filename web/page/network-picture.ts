/** Applications, their sources, flows and clients as boxes and lines; the dashes of a line move when data move on it. */
import type { NetworkApplication, NetworkPicture } from '../wire/messages.js';
import { svg } from './dom.js';
import { BOX, button, clientBox, flowBox, sourceBox, type Choosing, type Place } from './network-boxes.js';

const GAP = { x: 70, y: 16 };
const COLUMNS = { source: 12, flow: 12 + BOX.width + GAP.x, client: 12 + 2 * (BOX.width + GAP.x) };
const WIDTH = COLUMNS.client + BOX.width + 12;
const HEAD = 34;

interface Lines {
  readonly bytesPerSecond: number;
  readonly state: string;
  /** From right to left: what a client writes. */
  readonly against?: boolean;
  /** Its client holds the writer back. */
  readonly held?: boolean;
}

export function networkPicture(picture: NetworkPicture, choosing: Choosing): SVGSVGElement {
  const parts: SVGElement[] = [];
  let top = 8;
  for (const app of picture.applications) {
    const { group, height } = application(app, top, choosing);
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
  choosing: Choosing,
): { group: SVGElement; height: number } {
  const rows = Math.max(1, app.flows.length, app.clients.length);
  const height = HEAD + rows * (BOX.height + GAP.y) + 4;
  const rowY = (row: number): number => top + HEAD + row * (BOX.height + GAP.y);
  const lines: SVGElement[] = [];
  const boxes: SVGElement[] = [];
  const flowAt = new Map<string, Place>();
  app.flows.forEach((flow, row) => {
    const at = { x: COLUMNS.flow, y: rowY(row) };
    flowAt.set(flow.flow, at);
    boxes.push(flowBox(app, flow, at, choosing));
    if (flow.source === undefined) return;
    const from = { x: COLUMNS.source, y: rowY(row) };
    boxes.push(sourceBox(flow, from));
    const bytesPerSecond = flow.rates['receivedBytes'] ?? 0;
    lines.push(line(from, at, { bytesPerSecond, state: flow.sourceState ?? 'live' }));
  });
  app.clients.forEach((client, row) => {
    const at = { x: COLUMNS.client, y: rowY(row) };
    boxes.push(clientBox(app, client, at, choosing));
    for (const { flow, direction, holding = false } of client.flows) {
      const to = flowAt.get(flow);
      const found = app.flows.find((one) => one.flow === flow);
      if (to === undefined || found === undefined) continue;
      const bytesPerSecond = found.rates['publishedBytes'] ?? 0;
      const state = found.sourceState ?? 'live';
      lines.push(line(to, at, { bytesPerSecond, state, against: direction === 'output', held: holding }));
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
        choosing,
        `Application ${title}`,
        svg('text', { x: '14', y: String(top + 22), class: 'net-title' }, title),
      ),
      ...lines,
      ...boxes,
    ),
  };
}

/** From the right edge of one box to the left edge of another. Wider and faster with more bytes, still without. */
function line(from: Place, to: Place, { bytesPerSecond, state, against, held }: Lines): SVGElement {
  const [x1, y1, x2, y2] = [from.x + BOX.width, from.y + BOX.height / 2, to.x, to.y + BOX.height / 2];
  const middle = (x1 + x2) / 2;
  const moving = bytesPerSecond > 0 && state === 'live';
  const width = 1.5 + Math.min(2.5, 0.6 * Math.log10(1 + bytesPerSecond / 10_000));
  const marks = [moving && 'is-moving', against === true && 'is-against', held === true && 'is-held', state !== 'live' && 'is-stale']; // prettier-ignore
  return svg('path', {
    d: `M${x1} ${y1} C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`,
    class: ['net-line', ...marks.filter((mark) => mark !== false)].join(' '),
    'stroke-width': width.toFixed(1),
  });
}
