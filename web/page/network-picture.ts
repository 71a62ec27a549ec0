/**
 * The network as an SVG picture: applications with their sources, flows (rings of buffers in shared
 * memory) and clients as boxes, and lines between them whose dashes move while data flow.
 * `NetworkView` replaces it once a second. Creates elements, which the caller inserts.
 */
import type { NetworkApplication, NetworkPicture } from '../wire/network.js';
import { svg } from './dom.js';
import {
  BOX,
  button,
  clientBox,
  flowBox,
  sourceBox,
  type NetworkSelection,
  type Place,
} from './network-boxes.js';

const GAP = { x: 70, y: 16 };
/** Height of an application's title. */
const HEAD = 34;
const MARGIN = 12;
/** Indentation of a box below the box that it belongs to, in a narrow picture. */
const INDENT = 22;
/** Positions of the vertical lines of a narrow picture, one lane per flow as far as there are. */
const LANES = { first: 5, step: 6, count: 3 };

type Column = 'source' | 'flow' | 'client';

/** Three columns side by side, or in a narrow window all boxes below each other. */
interface Layout {
  readonly narrow: boolean;
  readonly width: number;
  readonly columns: Readonly<Record<Column, number>>;
}

const STEP = BOX.width + GAP.x;
const WIDE: Layout = {
  narrow: false,
  width: MARGIN + 2 * STEP + BOX.width + MARGIN,
  columns: { source: MARGIN, flow: MARGIN + STEP, client: MARGIN + 2 * STEP },
};
const NARROW: Layout = {
  narrow: true,
  width: MARGIN + 2 * INDENT + BOX.width + MARGIN,
  columns: { source: MARGIN, flow: MARGIN + INDENT, client: MARGIN + 2 * INDENT },
};

interface LineStyle {
  readonly bytesPerSecond: number;
  readonly state: string;
  /** From right to left, for a client that writes. */
  readonly against?: boolean;
  /** The client holds the writer back. */
  readonly held?: boolean;
  /** Number of the flow, for its lane in a narrow picture. */
  readonly lane?: number;
}

/** What the picture shows besides the network. */
export interface PictureContext {
  readonly selected: NetworkSelection | undefined;
  readonly narrow: boolean;
  readonly stateOf: (app: NetworkApplication) => string;
}

export function networkPicture(picture: NetworkPicture, context: PictureContext): SVGSVGElement {
  const { narrow } = context;
  const layout = narrow ? NARROW : WIDE;
  const parts: SVGElement[] = [];
  let top = 8;
  for (const app of picture.applications) {
    const { group, height } = application(app, top, context, layout);
    parts.push(group);
    top += height + 22;
  }
  if (picture.applications.length === 0) {
    parts.push(svg('text', { x: '20', y: '40', class: 'faint' }, 'No applications yet.'));
    top = 80;
  }
  const status = picture.hostServer
    ? picture.host
    : `${picture.host}: the host server does not answer; data continue without it`;
  parts.push(svg('text', { x: '14', y: String(top + 12), class: 'faint' }, `Host ${status}`));
  return svg(
    'svg',
    {
      viewBox: `0 0 ${layout.width} ${top + 28}`,
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
  { selected, stateOf }: PictureContext,
  layout: Layout,
): { group: SVGElement; height: number } {
  const sources = app.flows.filter(({ source }) => source !== undefined).length;
  const rows = layout.narrow
    ? sources + app.flows.length + app.clients.length
    : Math.max(app.flows.length, app.clients.length);
  const height = HEAD + Math.max(1, rows) * (BOX.height + GAP.y) + 4;
  let nextRow = 0;
  const place = (column: Column, row: number): Place => {
    const at = layout.narrow ? nextRow : row;
    nextRow += 1;
    return { x: layout.columns[column], y: top + HEAD + at * (BOX.height + GAP.y) };
  };
  const lines: SVGElement[] = [];
  const boxes: SVGElement[] = [];
  const flowAt = new Map<string, Place>();
  app.flows.forEach((flow, row) => {
    const from = flow.source === undefined ? undefined : place('source', row);
    const at = place('flow', row);
    flowAt.set(flow.flow, at);
    boxes.push(flowBox(app, flow, at, selected));
    if (from === undefined) return;
    boxes.push(sourceBox(app, flow, from, selected));
    const bytesPerSecond = flow.rates['receivedBytes'] ?? 0;
    lines.push(line(from, at, { bytesPerSecond, state: flow.sourceState ?? 'live' }, layout));
  });
  app.clients.forEach((client, row) => {
    const at = place('client', row);
    boxes.push(clientBox(app, client, at, selected));
    for (const { flow, direction, holding = false } of client.flows) {
      const to = flowAt.get(flow);
      const lane = app.flows.findIndex((candidate) => candidate.flow === flow);
      const written = app.flows[lane];
      if (to === undefined || written === undefined) continue;
      const bytesPerSecond = written.rates['publishedBytes'] ?? 0;
      const state = written.sourceState ?? 'live';
      lines.push(
        line(to, at, { bytesPerSecond, state, against: direction === 'output', held: holding, lane }, layout),
      );
    }
  });
  const title = `${app.name} · ${stateOf(app)}${app.restarts > 0 ? ` · restarted ${app.restarts}×` : ''}`;
  return {
    height,
    group: svg(
      'g',
      {},
      svg('rect', {
        x: '2',
        y: String(top),
        width: String(layout.width - 4),
        height: String(height),
        rx: '10',
        class: `net-app is-${app.state}`,
      }),
      button(
        { app: app.name },
        selected,
        `Application ${title}`,
        svg('text', { x: '14', y: String(top + 22), class: 'net-title' }, title),
      ),
      ...lines,
      ...boxes,
    ),
  };
}

/**
 * A line between two boxes: wider with more bytes per second, without motion when there are none.
 */
function line(
  from: Place,
  to: Place,
  { bytesPerSecond, state, against, held, lane }: LineStyle,
  layout: Layout,
): SVGElement {
  const moving = bytesPerSecond > 0 && state === 'live';
  const width = 1.5 + Math.min(2.5, 0.6 * Math.log10(1 + bytesPerSecond / 10_000));
  const states = {
    'is-moving': moving,
    'is-against': against === true,
    'is-held': held === true,
    'is-stale': state !== 'live',
  };
  const classes = Object.entries(states).flatMap(([name, applies]) => (applies ? [name] : []));
  return svg('path', {
    d: layout.narrow ? downTo(from, to, lane) : across(from, to),
    class: ['net-line', ...classes].join(' '),
    'stroke-width': width.toFixed(1),
  });
}

/** A path from the right edge of one box to the left edge of another. */
function across(from: Place, to: Place): string {
  const [x1, y1, x2, y2] = [from.x + BOX.width, from.y + BOX.height / 2, to.x, to.y + BOX.height / 2];
  const middle = (x1 + x2) / 2;
  return `M${x1} ${y1} C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}

/** A path from the lower edge of one box down to the left edge of another. */
function downTo(from: Place, to: Place, lane = 0): string {
  const x = from.x + LANES.first + LANES.step * (lane % LANES.count);
  return `M${x} ${from.y + BOX.height} V${to.y + BOX.height / 2} H${to.x}`;
}
