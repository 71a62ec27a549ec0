/**
 * The gate that the user draws on one plot: points by pointer, finger and keys, and its picture.
 * `PlotGates` creates it; input reaches it through `PlotHandle.gates`. Changes no gate of SpecTcl.
 */
import { channelWidth, toChannel, toUnits } from '../view/axis.js';
import {
  movedPoint,
  pointNear,
  selectNext,
  shapeOf,
  withoutPoint,
  withPoint,
  type GateDraft,
  type PixelSize,
} from '../view/gate-draft.js';
import type { GatePoint } from '../wire/changes.js';
import { drawGate, drawGatePoint, type MarkArea } from './draw-marks.js';
import { channelToX, channelToY } from './plot-area.js';
import type { ChannelPoint, PlotHandle } from './plot-interface.js';
import { currentPalette } from './theme.js';

/** Distance from a point within which it is dragged. */
const GRIP_PX = 8;

export class GateDrawing {
  readonly #plot: PlotHandle;
  #draft: GateDraft | undefined;
  /** Index of the point that is dragged. */
  #dragged: number | undefined;
  #beforeDrag: GateDraft | undefined;

  constructor(plot: PlotHandle) {
    this.#plot = plot;
  }

  /** Undefined while no gate is drawn. */
  get draft(): GateDraft | undefined {
    return this.#draft;
  }

  start(draft: GateDraft): void {
    this.#draft = draft;
    this.#plot.redraw();
  }

  stop(): void {
    this.#draft = undefined;
    this.#dragged = undefined;
    this.#plot.redraw();
  }

  change(change: (draft: GateDraft) => GateDraft): void {
    if (this.#draft === undefined) return;
    this.#draft = change(this.#draft);
    this.#plot.redraw();
  }

  /** Grips the point at a place, removes it, or adds one there. */
  down(at: ChannelPoint, removes: boolean): void {
    const [point, pixel] = [this.#unitsOf(at), this.#pixelSize()];
    const draft = this.#draft;
    if (point === undefined || pixel === undefined || draft === undefined) return;
    const near = pointNear(draft, point, pixel, GRIP_PX);
    this.#beforeDrag = draft;
    if (removes) {
      if (near !== undefined) this.change((drawn) => withoutPoint(drawn, near));
      return;
    }
    if (near === undefined) this.change((drawn) => withPoint(drawn, point, pixel));
    else this.change((drawn) => ({ ...drawn, selected: near }));
    this.#dragged = this.#draft?.selected;
  }

  move(at: ChannelPoint): void {
    const point = this.#unitsOf(at);
    const index = this.#dragged;
    if (point === undefined || index === undefined) return;
    this.change((draft) => movedPoint(draft, index, point));
    // A limit or a point of a band that passes another one gets its place.
    this.#dragged = this.#draft?.selected;
  }

  up(): void {
    this.#dragged = undefined;
  }

  /** Ends a drag without its effect. */
  cancelDrag(): void {
    this.#dragged = undefined;
    const before = this.#beforeDrag;
    if (before !== undefined) this.change(() => before);
  }

  /** Returns false for a key that changes no point. */
  handleKey(key: string): boolean {
    const draft = this.#draft;
    if (draft === undefined) return false;
    switch (key.length === 1 ? key.toLowerCase() : key) {
      case 'Enter':
      case ' ':
        this.#addAtCursor();
        return true;
      case 'm':
        this.#moveToCursor(draft);
        return true;
      case 'g':
        this.change(selectNext);
        return true;
      case 'Delete':
      case 'Backspace':
        this.change((drawn) => withoutPoint(drawn, drawn.selected));
        return true;
      default:
        return false;
    }
  }

  draw(context: CanvasRenderingContext2D, markArea: MarkArea): void {
    const { axes } = this.#plot;
    const draft = this.#draft;
    if (axes === undefined || draft === undefined || draft.points.length === 0) return;
    const palette = currentPalette();
    const { area, x, y } = markArea;
    drawGate(context, markArea, shapeOf(draft), axes, true, palette);
    draft.points.forEach((point, index) => {
      const left = channelToX(area, x, toChannel(axes.x, point.x));
      const middle = area.top + area.height / 2;
      const top = y === undefined ? middle : channelToY(area, y, toChannel(axes.y, point.y));
      drawGatePoint(context, left, top, index === draft.selected, palette);
    });
  }

  #addAtCursor(): void {
    const { cursor } = this.#plot.pointing;
    if (cursor === undefined) return this.#plot.notices.show('Move the cursor first: ← or → on the plot.');
    const [point, pixel] = [this.#unitsOf(cursor), this.#pixelSize()];
    if (point !== undefined && pixel !== undefined) this.change((draft) => withPoint(draft, point, pixel));
  }

  #moveToCursor({ selected }: GateDraft): void {
    const { cursor } = this.#plot.pointing;
    const point = cursor === undefined ? undefined : this.#unitsOf(cursor);
    if (point !== undefined && selected >= 0) this.change((draft) => movedPoint(draft, selected, point));
  }

  #unitsOf({ x, y }: ChannelPoint): GatePoint | undefined {
    const { axes, isOneDimensional } = this.#plot;
    if (axes === undefined) return undefined;
    return { x: toUnits(axes.x, x), y: isOneDimensional ? 0 : toUnits(axes.y, y) };
  }

  #pixelSize(): PixelSize | undefined {
    const { axes, ranges, area } = this.#plot;
    if (axes === undefined || ranges === undefined || area === undefined) return undefined;
    return {
      x: (channelWidth(axes.x) * (ranges.x[1] - ranges.x[0])) / area.width,
      y: (channelWidth(axes.y) * (ranges.y[1] - ranges.y[0])) / area.height,
    };
  }
}
