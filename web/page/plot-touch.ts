/**
 * Fingers on one plot: a vertical swipe scrolls the page, a horizontal one moves the visible part,
 * two fingers zoom and move it, a long press marks a region, a tap shows the counts. Created by
 * `plot-input.ts`; the mouse is in `plot-pointer.ts`. Listens on the canvas of the plot.
 */
import { xToChannel, yToChannel } from './plot-area.js';
import type { ChannelPoint, PlotHandle, RegionGrip } from './plot-interface.js';
import {
  canvasPoint,
  channelsAt,
  dragGrip,
  panned,
  partBetween,
  zoomed,
  type CanvasPoint,
  type VisibleRanges,
} from './plot-places.js';

type Gesture =
  /** One finger that has not moved yet. */
  | { readonly kind: 'tap'; readonly start: ChannelPoint; readonly at: CanvasPoint }
  | { readonly kind: 'pan'; readonly at: CanvasPoint; readonly ranges: VisibleRanges }
  | { readonly kind: 'region'; readonly start: ChannelPoint }
  /** A point of the gate that is drawn. */
  | { readonly kind: 'gate' }
  | { readonly kind: 'grip'; readonly start: ChannelPoint; readonly grip: RegionGrip }
  | { readonly kind: 'pinch'; readonly from: Span; readonly ranges: VisibleRanges }
  /** Until all fingers have left. */
  | { readonly kind: 'done' };

/** Two fingers: their middle and their distance. */
interface Span {
  readonly middle: CanvasPoint;
  readonly distance: number;
}

const LONG_PRESS_MS = 500;
/** A finger that moves less has not moved. */
const STILL_PX = 10;
/** Distance from a limit of a region within which a finger drags it. */
const GRIP_PX = 16;
const LEAST_DISTANCE_PX = 20;
/** Part of the visible channels that a long press without a movement marks. */
const PRESSED_PART = 0.1;

export class PlotTouch {
  readonly #plot: PlotHandle;
  readonly #fingers = new Map<number, CanvasPoint>();
  #gesture: Gesture = { kind: 'done' };
  #longPress: number | undefined;

  constructor(plot: PlotHandle, signal: AbortSignal) {
    this.#plot = plot;
    const { canvas } = plot;
    const on = (type: string, handle: (event: PointerEvent) => void): void =>
      canvas.addEventListener(
        type,
        (event) => {
          if (event instanceof PointerEvent && event.pointerType === 'touch') handle(event);
        },
        { signal },
      );
    on('pointerdown', (event) => this.#down(event));
    on('pointermove', (event) => this.#moved(event));
    on('pointerup', (event) => this.#up(event));
    on('pointercancel', (event) => this.#cancelled(event));
    // The browser scrolls with one finger only, and not while the plot follows it.
    for (const type of ['touchstart', 'touchmove'] as const) {
      const handle = (event: TouchEvent): void => {
        const followed = this.#gesture.kind !== 'tap' && this.#gesture.kind !== 'done';
        if (event.cancelable && (event.touches.length > 1 || followed)) event.preventDefault();
      };
      canvas.addEventListener(type, handle, { signal, passive: false });
    }
    canvas.addEventListener(
      'contextmenu',
      (event) => {
        if (this.#fingers.size > 0) event.preventDefault();
      },
      { signal },
    );
    signal.addEventListener('abort', () => clearTimeout(this.#longPress));
  }

  #down(event: PointerEvent): void {
    const plot = this.#plot;
    const at = canvasPoint(plot, event);
    const start = channelsAt(plot, at);
    if (start === undefined) return;
    clearTimeout(this.#longPress);
    this.#fingers.set(event.pointerId, at);
    const span = this.#span();
    if (span !== undefined) {
      if (this.#gesture.kind === 'gate') plot.gates.cancelDrag();
      plot.cancelPreview();
      plot.point({ rubberBand: undefined });
      const { ranges } = plot;
      if (ranges !== undefined) this.#gesture = { kind: 'pinch', from: span, ranges };
    } else if (this.#fingers.size === 1) {
      if (plot.gates.isDrawing) {
        this.#gesture = { kind: 'gate' };
        plot.gates.down(start, false);
        return;
      }
      const grip = plot.regions.gripAt(at.x, at.y, GRIP_PX);
      this.#gesture = grip === undefined ? { kind: 'tap', start, at } : { kind: 'grip', start, grip };
      if (grip === undefined) this.#longPress = setTimeout(() => this.#pressed(start), LONG_PRESS_MS);
    }
  }

  #pressed(start: ChannelPoint): void {
    this.#gesture = { kind: 'region', start };
    this.#plot.point({ rubberBand: partBetween(this.#plot, start, start) });
  }

  #moved(event: PointerEvent): void {
    if (!this.#fingers.has(event.pointerId)) return;
    const plot = this.#plot;
    const at = canvasPoint(plot, event);
    this.#fingers.set(event.pointerId, at);
    const point = channelsAt(plot, at);
    const gesture = this.#gesture;
    if (point === undefined) return;
    switch (gesture.kind) {
      case 'gate':
        return plot.gates.move(point);
      case 'tap':
        return this.#leftPlace(gesture.at, at);
      case 'pan':
        return this.#pan(gesture, at);
      case 'region':
        return plot.point({ rubberBand: partBetween(plot, gesture.start, point) });
      case 'grip':
        return dragGrip(plot, gesture.grip, point.x - gesture.start.x);
      case 'pinch':
        return this.#pinch(gesture);
      case 'done':
        return undefined;
      default:
        return gesture satisfies never;
    }
  }

  /** Sideways it moves the visible part; the browser takes the other direction. */
  #leftPlace(from: CanvasPoint, at: CanvasPoint): void {
    const [right, down] = [Math.abs(at.x - from.x), Math.abs(at.y - from.y)];
    if (Math.max(right, down) < STILL_PX) return;
    clearTimeout(this.#longPress);
    const { ranges } = this.#plot;
    this.#gesture =
      right > down && ranges !== undefined ? { kind: 'pan', at: from, ranges } : { kind: 'done' };
  }

  #pan({ at: from, ranges }: Gesture & { kind: 'pan' }, at: CanvasPoint): void {
    const { area } = this.#plot;
    if (area === undefined) return;
    const x = xToChannel(area, ranges.x, from.x) - xToChannel(area, ranges.x, at.x);
    this.#plot.preview(panned(this.#plot, ranges, { x, y: 0 }));
  }

  /** The channels that were between the fingers stay there. */
  #pinch({ from, ranges }: Gesture & { kind: 'pinch' }): void {
    const plot = this.#plot;
    const span = this.#span();
    const { area } = plot;
    if (span === undefined || area === undefined) return;
    const factor = Math.max(LEAST_DISTANCE_PX, from.distance) / Math.max(LEAST_DISTANCE_PX, span.distance);
    const about = {
      x: xToChannel(area, ranges.x, from.middle.x),
      y: yToChannel(area, ranges.y, from.middle.y),
    };
    plot.preview(zoomed(plot, ranges, about, factor));
    const { ranges: scaled } = plot;
    if (scaled === undefined) return;
    const by = {
      x: about.x - xToChannel(area, scaled.x, span.middle.x),
      y: about.y - yToChannel(area, scaled.y, span.middle.y),
    };
    plot.preview(panned(plot, scaled, by));
  }

  #up(event: PointerEvent): void {
    const plot = this.#plot;
    const at = this.#fingers.get(event.pointerId);
    const gesture = this.#gesture;
    this.#ended(event);
    if (at === undefined) return;
    if (gesture.kind === 'gate') return plot.gates.up();
    if (gesture.kind === 'pan' || gesture.kind === 'pinch' || gesture.kind === 'grip') plot.change({});
    else if (gesture.kind === 'region') this.#addRegion(gesture.start, channelsAt(plot, at));
    else if (gesture.kind === 'tap') {
      plot.point({ cursor: gesture.start });
      plot.peaks.fitAt(at.x, at.y);
    }
  }

  /** Without a movement a part about the place, whose limits can be dragged. */
  #addRegion(start: ChannelPoint, end: ChannelPoint | undefined): void {
    const plot = this.#plot;
    const { ranges } = plot;
    if (end === undefined || ranges === undefined) return;
    const moved = Math.floor(start.x) !== Math.floor(end.x);
    const reach = ([from, to]: readonly [number, number]): number => ((to - from) * PRESSED_PART) / 2;
    const [x, y] = [reach(ranges.x), reach(ranges.y)];
    const [one, other] = moved
      ? [start, end]
      : [
          { x: Math.max(ranges.x[0], start.x - x), y: Math.max(ranges.y[0], start.y - y) },
          { x: Math.min(ranges.x[1] - 1, start.x + x), y: Math.min(ranges.y[1] - 1, start.y + y) },
        ];
    plot.regions.add(partBetween(plot, one, other));
  }

  /** The browser scrolls, or the system has taken the finger. */
  #cancelled(event: PointerEvent): void {
    this.#ended(event);
    this.#plot.cancelPreview();
  }

  #ended(event: PointerEvent): void {
    clearTimeout(this.#longPress);
    this.#fingers.delete(event.pointerId);
    this.#gesture = { kind: 'done' };
    this.#plot.point({ rubberBand: undefined });
  }

  #span(): Span | undefined {
    const [one, other, ...more] = [...this.#fingers.values()];
    if (one === undefined || other === undefined || more.length > 0) return undefined;
    return {
      middle: { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 },
      distance: Math.hypot(one.x - other.x, one.y - other.y),
    };
  }
}
