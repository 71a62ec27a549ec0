/**
 * Mouse and pen on one plot: zooming, moving the visible part, regions, cursor, wheel. A drag shows
 * its effect at once and is one step of the history when it ends; Escape cancels it. Created by
 * `plot-input.ts`; fingers are in `plot-touch.ts`. Listens on the canvas of the plot.
 */
import { xToChannel, yToChannel } from './plot-area.js';
import type { ChannelPoint, PlotHandle, RegionGrip } from './plot-interface.js';
import {
  axisAt,
  canvasPoint,
  channelsAt,
  dragGrip,
  panned,
  partBetween,
  zoomed,
  type CanvasPoint,
  type VisibleRanges,
} from './plot-places.js';

type Drag =
  | { readonly kind: 'zoom' | 'region'; readonly start: ChannelPoint; readonly startClientX: number }
  /** A point of the gate that is drawn. */
  | { readonly kind: 'gate' }
  | { readonly kind: 'grip'; readonly start: ChannelPoint; readonly grip: RegionGrip }
  | {
      readonly kind: 'pan';
      readonly start: ChannelPoint;
      /** When the drag began. */
      readonly ranges: VisibleRanges;
      /** Only along this axis; both without it. */
      readonly along: 'x' | 'y' | undefined;
    };

/** Scale of the visible part per pixel of wheel movement. */
const WHEEL_FACTOR = 1.0015;
const PIXELS_PER_WHEEL_LINE = 16;
/** A shorter horizontal movement is a click. */
const DRAG_LEAST_PX = 5;
/** Distance from a limit of a region within which it is dragged. */
const GRIP_PX = 5;

export class PlotPointer {
  readonly #plot: PlotHandle;
  #drag: Drag | undefined;

  constructor(plot: PlotHandle, signal: AbortSignal) {
    this.#plot = plot;
    const { canvas } = plot;
    const on = <T extends PointerEvent>(type: string, handle: (event: T) => void): void =>
      canvas.addEventListener(
        type,
        (event) => {
          if ((event as T).pointerType !== 'touch') handle(event as T);
        },
        { signal },
      );
    on('pointerdown', (event) => this.#began(event));
    on('pointermove', (event) => this.#moved(event));
    on('pointerup', (event) => this.#ended(event));
    on('pointercancel', () => this.cancel());
    on('pointerleave', () => plot.point({ cursor: undefined }));
    canvas.addEventListener(
      'dblclick',
      () => {
        // While a gate is drawn, quick clicks are points.
        if (!plot.gates.isDrawing) plot.change({ x: undefined, y: undefined });
      },
      { signal },
    );
    canvas.addEventListener('wheel', (event) => this.#wheel(event), { signal, passive: false });
  }

  /** Ends a drag without its effect; returns whether there was one. */
  cancel(): boolean {
    if (this.#drag === undefined) return false;
    if (this.#drag.kind === 'gate') this.#plot.gates.cancelDrag();
    this.#stop();
    this.#plot.cancelPreview();
    return true;
  }

  #began(event: PointerEvent): void {
    const plot = this.#plot;
    const at = canvasPoint(plot, event);
    const start = channelsAt(plot, at);
    const { ranges } = plot;
    if (start === undefined || ranges === undefined || event.button > 1) return;
    const along = event.shiftKey ? undefined : axisAt(plot, at);
    const draws = plot.gates.isDrawing && !event.altKey && event.button === 0 && along === undefined;
    const pans = event.altKey || event.button === 1 || along !== undefined;
    const grip = pans || event.shiftKey ? undefined : plot.regions.gripAt(at.x, at.y, GRIP_PX);
    if (draws) {
      this.#drag = { kind: 'gate' };
      plot.gates.down(start, event.shiftKey);
    } else if (pans) this.#drag = { kind: 'pan', start, ranges, along };
    else if (grip !== undefined) this.#drag = { kind: 'grip', start, grip };
    else {
      const kind = event.shiftKey ? 'region' : 'zoom';
      this.#drag = { kind, start, startClientX: event.clientX };
    }
    // No text is selected, and no middle button scrolls; the card gets the focus all the same.
    event.preventDefault();
    plot.element.focus({ preventScroll: true });
    plot.canvas.setPointerCapture(event.pointerId);
  }

  #moved(event: PointerEvent): void {
    const plot = this.#plot;
    const at = canvasPoint(plot, event);
    const point = channelsAt(plot, at);
    const drag = this.#drag;
    plot.point({ cursor: point });
    if (drag === undefined) {
      plot.canvas.style.cursor = this.#cursorStyle(at);
      return;
    }
    if (point === undefined) return;
    if (drag.kind === 'gate') plot.gates.move(point);
    else if (drag.kind === 'grip') dragGrip(plot, drag.grip, point.x - drag.start.x);
    else if (drag.kind === 'pan') this.#pan(drag, at);
    else plot.point({ rubberBand: partBetween(plot, drag.start, point) });
  }

  /** With the ranges of the beginning, the channel that was grabbed stays under the pointer. */
  #pan({ start, ranges, along }: Drag & { kind: 'pan' }, at: CanvasPoint): void {
    const { area } = this.#plot;
    if (area === undefined) return;
    const by = {
      x: along === 'y' ? 0 : start.x - xToChannel(area, ranges.x, at.x),
      y: along === 'x' ? 0 : start.y - yToChannel(area, ranges.y, at.y),
    };
    this.#plot.preview(panned(this.#plot, ranges, by));
  }

  #ended(event: PointerEvent): void {
    const plot = this.#plot;
    const drag = this.#drag;
    this.#stop();
    if (drag === undefined) return;
    if (drag.kind === 'gate') return plot.gates.up();
    if (drag.kind === 'pan' || drag.kind === 'grip') return plot.change({});
    const at = canvasPoint(plot, event);
    const end = channelsAt(plot, at);
    if (end === undefined) return;
    if (Math.abs(event.clientX - drag.startClientX) < DRAG_LEAST_PX) {
      plot.peaks.fitAt(at.x, at.y);
      return;
    }
    const part = partBetween(plot, drag.start, end);
    if (drag.kind === 'region') plot.regions.add(part);
    else plot.change(plot.partOf(part.x, part.y));
  }

  #stop(): void {
    this.#drag = undefined;
    this.#plot.point({ rubberBand: undefined });
  }

  #wheel(event: WheelEvent): void {
    const plot = this.#plot;
    const { ranges, area } = plot;
    const point = channelsAt(plot, canvasPoint(plot, event));
    if (point === undefined || ranges === undefined || area === undefined) return;
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? PIXELS_PER_WHEEL_LINE : 1;
    // With Shift some browsers report the movement as horizontal, others do not.
    const sideways = event.deltaX === 0 && event.shiftKey ? event.deltaY : event.deltaX;
    if (Math.abs(sideways) > Math.abs(event.deltaY) || event.shiftKey) {
      const perPixel = (ranges.x[1] - ranges.x[0]) / area.width;
      plot.change(panned(plot, ranges, { x: sideways * unit * perPixel, y: 0 }), 'wheel, moving');
    } else plot.change(zoomed(plot, ranges, point, WHEEL_FACTOR ** (event.deltaY * unit)), 'wheel');
  }

  #cursorStyle(at: CanvasPoint): string {
    if (axisAt(this.#plot, at) !== undefined) return 'grab';
    const grip = this.#plot.regions.gripAt(at.x, at.y, GRIP_PX);
    return grip === undefined ? '' : grip.part === 'whole' ? 'grab' : 'ew-resize';
  }
}
