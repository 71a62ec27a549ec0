/** What the hand does on a plot: pointer, wheel and keys. */
import { panRange, zoomRange } from '../view/axis.js';
import { SCALE_NAMES } from '../../plotting/scale.js';
import type { ChannelRange } from '../wire/messages.js';
import { xToChannel, yToChannel } from './plot-area.js';
import type { Plot } from './plot.js';

type Place = { readonly x: number; readonly y: number };
type Doing =
  | { readonly kind: 'zoom' | 'region'; readonly from: Place; readonly fromX: number }
  | { readonly kind: 'pan'; readonly from: Place; readonly x: ChannelRange; readonly y: ChannelRange };

const WHEEL_FACTOR = 1.0015;
const KEY_ZOOM = 0.7;
const KEY_PAN = 0.15;
/** A press that moved less is no drawing. */
const DRAG_LEAST_PX = 5;

/**
 * Until the returned function is called. Drag: zoom; Shift: region; Alt or the middle button: pan.
 */
export function attachHand(plot: Plot): () => void {
  const { canvas } = plot;
  const ending = new AbortController();
  const options = { signal: ending.signal };
  let doing: Doing | undefined;
  let regionFrom: Place | undefined;

  const placeOf = (event: MouseEvent): Place | undefined => {
    const { area, ranges } = plot;
    if (area === undefined || ranges === undefined) return undefined;
    const box = canvas.getBoundingClientRect();
    const inside = (value: number, [from, to]: ChannelRange): number =>
      Math.min(Math.max(value, from), to - 1e-6);
    return {
      x: inside(xToChannel(area, ranges.x, event.clientX - box.left), ranges.x),
      y: inside(yToChannel(area, ranges.y, event.clientY - box.top), ranges.y),
    };
  };
  const drawn = (from: Place, to: Place): { x: ChannelRange; y?: ChannelRange } => ({
    x: whole(from.x, to.x),
    ...(plot.isFlat ? {} : { y: whole(from.y, to.y) }),
  });

  canvas.addEventListener(
    'pointerdown',
    (event) => {
      const from = placeOf(event);
      const { ranges } = plot;
      if (from === undefined || ranges === undefined || event.button > 1) return;
      const pan = event.altKey || event.button === 1;
      doing = pan
        ? { kind: 'pan', from, ...ranges }
        : { kind: event.shiftKey ? 'region' : 'zoom', from, fromX: event.clientX };
      canvas.setPointerCapture(event.pointerId);
    },
    options,
  );
  canvas.addEventListener(
    'pointermove',
    (event) => {
      const at = placeOf(event);
      plot.setCursor(at);
      if (doing === undefined || at === undefined) return;
      if (doing.kind !== 'pan') return plot.setDrawn(drawn(doing.from, at));
      const { axes, area } = plot;
      if (axes === undefined || area === undefined) return;
      // Against the ranges of the beginning, so that what was taken hold of stays under the
      // pointer.
      const box = canvas.getBoundingClientRect();
      const x = xToChannel(area, doing.x, event.clientX - box.left) - doing.from.x;
      const y = yToChannel(area, doing.y, event.clientY - box.top) - doing.from.y;
      plot.setRange(panRange(axes.x, doing.x, -x), plot.isFlat ? undefined : panRange(axes.y, doing.y, -y));
    },
    options,
  );
  canvas.addEventListener(
    'pointerup',
    (event) => {
      const to = placeOf(event);
      const done = doing;
      doing = undefined;
      plot.setDrawn(undefined);
      if (done === undefined || to === undefined || done.kind === 'pan') return;
      if (Math.abs(event.clientX - done.fromX) < DRAG_LEAST_PX) return;
      const part = drawn(done.from, to);
      if (done.kind === 'region') plot.change({ region: part });
      else plot.setRange(part.x, part.y);
    },
    options,
  );
  canvas.addEventListener('pointerleave', () => plot.setCursor(undefined), options);
  canvas.addEventListener('pointercancel', () => (doing = undefined), options);
  canvas.addEventListener('dblclick', () => plot.change({ x: undefined, y: undefined }), options);
  canvas.addEventListener(
    'wheel',
    (event) => {
      const at = placeOf(event);
      if (at === undefined) return;
      event.preventDefault();
      zoom(plot, at, WHEEL_FACTOR ** (event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY));
    },
    { ...options, passive: false },
  );
  plot.element.addEventListener(
    'keydown',
    (event) => {
      if (event.target !== plot.element || event.ctrlKey || event.metaKey) return;
      if (event.key.toLowerCase() === 'r') regionFrom = regionKey(plot, regionFrom);
      else if (!pressed(plot, event.key, event.shiftKey)) return;
      event.preventDefault();
      event.stopPropagation();
    },
    options,
  );
  return () => ending.abort();
}

function zoom(plot: Plot, about: Place, factor: number): void {
  const { axes, ranges } = plot;
  if (axes === undefined || ranges === undefined) return;
  plot.setRange(
    zoomRange(axes.x, ranges.x, about.x, factor),
    plot.isFlat ? undefined : zoomRange(axes.y, ranges.y, about.y, factor),
  );
}

/** False for a key that means nothing here. */
function pressed(plot: Plot, key: string, shift: boolean): boolean {
  const { axes, ranges } = plot;
  if (axes === undefined || ranges === undefined) return false;
  const middle = { x: (ranges.x[0] + ranges.x[1]) / 2, y: (ranges.y[0] + ranges.y[1]) / 2 };
  const arrows: Readonly<Record<string, readonly [number, number]>> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, 1],
    ArrowDown: [0, -1],
  };
  const arrow = arrows[key];
  if (arrow !== undefined) {
    if (plot.isFlat && arrow[0] === 0) return false;
    if (shift) {
      const step = (range: ChannelRange): number => (range[1] - range[0]) * KEY_PAN;
      plot.setRange(
        panRange(axes.x, ranges.x, arrow[0] * step(ranges.x)),
        plot.isFlat ? undefined : panRange(axes.y, ranges.y, arrow[1] * step(ranges.y)),
      );
    } else moveCursor(plot, arrow, middle, ranges);
    return true;
  }
  switch (key) {
    case '+':
    case '=':
      zoom(plot, plot.cursor ?? middle, KEY_ZOOM);
      return true;
    case '-':
      zoom(plot, plot.cursor ?? middle, 1 / KEY_ZOOM);
      return true;
    case '0':
      plot.change({ x: undefined, y: undefined });
      return true;
    case 'l':
    case 'L':
      plot.change({ scale: SCALE_NAMES[(SCALE_NAMES.indexOf(plot.scale) + 1) % SCALE_NAMES.length] });
      return true;
    case 'u':
    case 'U':
      plot.change({ channels: !plot.spec.channels });
      return true;
    case 'Escape':
      plot.setCursor(undefined);
      return true;
    case 'Delete':
    case 'Backspace':
      plot.change({ region: undefined });
      return true;
    default:
      return false;
  }
}

/** By a channel, or by a pixel where channels are narrower. */
function moveCursor(
  plot: Plot,
  [right, up]: readonly [number, number],
  middle: Place,
  ranges: { readonly x: ChannelRange; readonly y: ChannelRange },
): void {
  const at = plot.cursor ?? middle;
  const { area } = plot;
  const move = (value: number, by: number, [from, to]: ChannelRange, pixels: number): number =>
    Math.min(Math.max(value + by * Math.max(1, (to - from) / pixels), from), to - 0.5);
  plot.setCursor({
    x: move(at.x, right, ranges.x, area?.width ?? 1),
    y: move(at.y, up, ranges.y, area?.height ?? 1),
  });
}

/** The first press begins a region at the cursor, the second ends it. */
function regionKey(plot: Plot, from: Place | undefined): Place | undefined {
  const { cursor } = plot;
  if (cursor === undefined) return undefined;
  if (from === undefined) {
    plot.setDrawn({ x: whole(cursor.x, cursor.x), ...(plot.isFlat ? {} : { y: whole(cursor.y, cursor.y) }) });
    return cursor;
  }
  plot.setDrawn(undefined);
  plot.change({
    region: { x: whole(from.x, cursor.x), ...(plot.isFlat ? {} : { y: whole(from.y, cursor.y) }) },
  });
  return undefined;
}

/** The whole channels that two places touch. */
function whole(one: number, other: number): ChannelRange {
  return [Math.floor(Math.min(one, other)), Math.floor(Math.max(one, other)) + 1];
}
