/**
 * Pointer, wheel and keyboard input of one plot: zooming, panning, regions of interest, cursor.
 * `Plot` attaches it to its canvas and its card; it changes the plot only through `PlotHandle`.
 * Adds listeners to both. The help dialog (`help.ts`) lists the gestures.
 */
import { panRange, zoomRange } from '../view/axis.js';
import { SCALE_NAMES } from '../../plotting/scale.js';
import type { ChannelRange } from '../wire/messages.js';
import { xToChannel, yToChannel } from './plot-area.js';
import type { ChannelPart, ChannelPoint, PlotHandle, RegionGrip } from './plot-interface.js';

type DragGesture =
  | { readonly kind: 'zoom' | 'region'; readonly start: ChannelPoint; readonly startClientX: number }
  | { readonly kind: 'grip'; readonly start: ChannelPoint; readonly grip: RegionGrip }
  | {
      readonly kind: 'pan';
      readonly start: ChannelPoint;
      /** The visible channels when the gesture began. */
      readonly x: ChannelRange;
      readonly y: ChannelRange;
    };

/** Scale of the visible part per pixel of wheel movement. */
const WHEEL_FACTOR = 1.0015;
const PIXELS_PER_WHEEL_LINE = 16;
const KEY_ZOOM = 0.7;
/** Part of the visible range that one key press pans. */
const KEY_PAN = 0.15;
/** A shorter horizontal movement is a click. */
const DRAG_LEAST_PX = 5;

/**
 * Listens until the returned function is called. Drag: zoom; Shift: region; Alt or middle button:
 * pan.
 */
export function attachPlotInput(plot: PlotHandle): () => void {
  const { canvas } = plot;
  const listeners = new AbortController();
  const options = { signal: listeners.signal };
  let gesture: DragGesture | undefined;
  /** Where the R key began a region. */
  let regionStart: ChannelPoint | undefined;

  canvas.addEventListener(
    'pointerdown',
    (event) => {
      const start = pointUnder(plot, event);
      const { ranges } = plot;
      if (start === undefined || ranges === undefined || event.button > 1) return;
      const pan = event.altKey || event.button === 1;
      const grip = pan || event.shiftKey ? undefined : gripUnder(plot, event);
      if (grip !== undefined) gesture = { kind: 'grip', start, grip };
      else
        gesture = pan
          ? { kind: 'pan', start, ...ranges }
          : { kind: event.shiftKey ? 'region' : 'zoom', start, startClientX: event.clientX };
      canvas.setPointerCapture(event.pointerId);
    },
    options,
  );
  canvas.addEventListener(
    'pointermove',
    (event) => {
      const point = pointUnder(plot, event);
      plot.setCursor(point);
      if (gesture === undefined) {
        canvas.style.cursor = cursorStyle(gripUnder(plot, event));
        return;
      }
      if (point === undefined) return;
      if (gesture.kind === 'grip') return dragGrip(plot, gesture.grip, point.x - gesture.start.x);
      if (gesture.kind !== 'pan') return plot.setRubberBand(partBetween(plot, gesture.start, point));
      const { axes, area } = plot;
      if (axes === undefined || area === undefined) return;
      // Converted with the ranges of the beginning: the channel that was grabbed stays under the
      // pointer.
      const box = canvas.getBoundingClientRect();
      const x = xToChannel(area, gesture.x, event.clientX - box.left) - gesture.start.x;
      const y = yToChannel(area, gesture.y, event.clientY - box.top) - gesture.start.y;
      plot.setRange(
        panRange(axes.x, gesture.x, -x),
        plot.isOneDimensional ? undefined : panRange(axes.y, gesture.y, -y),
      );
    },
    options,
  );
  canvas.addEventListener(
    'pointerup',
    (event) => {
      const end = pointUnder(plot, event);
      const ended = gesture;
      gesture = undefined;
      plot.setRubberBand(undefined);
      if (ended === undefined || end === undefined || ended.kind === 'pan' || ended.kind === 'grip') return;
      if (Math.abs(event.clientX - ended.startClientX) < DRAG_LEAST_PX) {
        const box = canvas.getBoundingClientRect();
        plot.peaks.fitAt(event.clientX - box.left, event.clientY - box.top);
        return;
      }
      const part = partBetween(plot, ended.start, end);
      if (ended.kind === 'region') plot.regions.add(part);
      else plot.setRange(part.x, part.y);
    },
    options,
  );
  canvas.addEventListener('pointerleave', () => plot.setCursor(undefined), options);
  canvas.addEventListener('pointercancel', () => (gesture = undefined), options);
  canvas.addEventListener('dblclick', () => plot.change({ x: undefined, y: undefined }), options);
  canvas.addEventListener(
    'wheel',
    (event) => {
      const point = pointUnder(plot, event);
      if (point === undefined) return;
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE;
      zoom(plot, point, WHEEL_FACTOR ** (lines ? event.deltaY * PIXELS_PER_WHEEL_LINE : event.deltaY));
    },
    { ...options, passive: false },
  );
  plot.element.addEventListener(
    'keydown',
    (event) => {
      if (event.target !== plot.element || event.ctrlKey || event.metaKey) return;
      if (event.key.toLowerCase() === 'r') regionStart = regionKey(plot, regionStart);
      else if (!handleKey(plot, event.key, event.shiftKey)) return;
      event.preventDefault();
      event.stopPropagation();
    },
    options,
  );
  return () => listeners.abort();
}

/** The channels under the pointer, moved to the nearest visible ones. */
function pointUnder(plot: PlotHandle, event: MouseEvent): ChannelPoint | undefined {
  const { area, ranges } = plot;
  if (area === undefined || ranges === undefined) return undefined;
  const box = plot.canvas.getBoundingClientRect();
  const clamp = (channel: number, [from, to]: ChannelRange): number =>
    Math.min(Math.max(channel, from), to - 1e-6);
  return {
    x: clamp(xToChannel(area, ranges.x, event.clientX - box.left), ranges.x),
    y: clamp(yToChannel(area, ranges.y, event.clientY - box.top), ranges.y),
  };
}

function gripUnder(plot: PlotHandle, event: MouseEvent): RegionGrip | undefined {
  const box = plot.canvas.getBoundingClientRect();
  return plot.regions.gripAt(event.clientX - box.left, event.clientY - box.top);
}

function cursorStyle(grip: RegionGrip | undefined): string {
  return grip === undefined ? '' : grip.part === 'whole' ? 'grab' : 'ew-resize';
}

/** Moves a limit, or the whole region, by channels of the plot. */
function dragGrip(plot: PlotHandle, { index, spectrum, x, part }: RegionGrip, by: number): void {
  const channels = Math.round(by / (plot.spectrum(spectrum)?.placement.scale ?? 1));
  const low = part === 'high' ? x[0] : x[0] + channels;
  const high = part === 'low' ? x[1] : x[1] + channels;
  if (low < high) plot.regions.moveTo(index, [low, high]);
}

/** The whole channels that the rectangle between two points touches. */
function partBetween(plot: PlotHandle, one: ChannelPoint, other: ChannelPoint): ChannelPart {
  const x = wholeChannels(one.x, other.x);
  return plot.isOneDimensional ? { x } : { x, y: wholeChannels(one.y, other.y) };
}

function wholeChannels(one: number, other: number): ChannelRange {
  return [Math.floor(Math.min(one, other)), Math.floor(Math.max(one, other)) + 1];
}

function zoom(plot: PlotHandle, about: ChannelPoint, factor: number): void {
  const { axes, ranges } = plot;
  if (axes === undefined || ranges === undefined) return;
  plot.setRange(
    zoomRange(axes.x, ranges.x, about.x, factor),
    plot.isOneDimensional ? undefined : zoomRange(axes.y, ranges.y, about.y, factor),
  );
}

/** Returns false for a key that has no function here. */
function handleKey(plot: PlotHandle, key: string, shift: boolean): boolean {
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
    if (plot.isOneDimensional && arrow[0] === 0) return false;
    if (shift) {
      const step = (range: ChannelRange): number => (range[1] - range[0]) * KEY_PAN;
      plot.setRange(
        panRange(axes.x, ranges.x, arrow[0] * step(ranges.x)),
        plot.isOneDimensional ? undefined : panRange(axes.y, ranges.y, arrow[1] * step(ranges.y)),
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
      plot.regions.removeSelected();
      return true;
    case 'g':
    case 'G':
      plot.regions.selectNext();
      return true;
    case '[':
    case ']':
      plot.regions.moveSelected(key === '[' ? -1 : 1, false);
      return true;
    case '{':
    case '}':
      plot.regions.moveSelected(key === '{' ? -1 : 1, true);
      return true;
    default:
      return false;
  }
}

/** Moves by one channel, or by one pixel where channels are narrower. */
function moveCursor(
  plot: PlotHandle,
  [right, up]: readonly [number, number],
  middle: ChannelPoint,
  ranges: { readonly x: ChannelRange; readonly y: ChannelRange },
): void {
  const start = plot.cursor ?? middle;
  const { area } = plot;
  const moved = (channel: number, direction: number, [from, to]: ChannelRange, pixels: number): number =>
    Math.min(Math.max(channel + direction * Math.max(1, (to - from) / pixels), from), to - 0.5);
  plot.setCursor({
    x: moved(start.x, right, ranges.x, area?.width ?? 1),
    y: moved(start.y, up, ranges.y, area?.height ?? 1),
  });
}

/** Begins a region at the cursor, or ends it there; returns the beginning of an open region. */
function regionKey(plot: PlotHandle, start: ChannelPoint | undefined): ChannelPoint | undefined {
  const { cursor } = plot;
  if (cursor === undefined) return undefined;
  if (start === undefined) {
    plot.setRubberBand(partBetween(plot, cursor, cursor));
    return cursor;
  }
  plot.setRubberBand(undefined);
  plot.regions.add(partBetween(plot, start, cursor));
  return undefined;
}
