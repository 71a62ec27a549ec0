/**
 * The keys of one plot: zoom, cursor, regions, scale. `plot-input.ts` creates it; the board decides
 * which plot a key is for. The help dialog (`help.ts`) lists the keys. Changes the plot only
 * through `PlotHandle`.
 */
import { SCALE_NAMES } from '../../plotting/scale.js';
import type { ChannelRange } from '../wire/ranges.js';
import type { ChannelPoint, PlotHandle } from './plot-interface.js';
import { panned, partBetween, zoomed, type VisibleRanges } from './plot-places.js';

/** Factor of the visible range for one press of the key `+`. */
const KEY_ZOOM = 0.7;
/** Part of the visible range that one key press moves it. */
const KEY_PAN = 0.15;

const ARROWS: Readonly<Record<string, readonly [right: number, up: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

export class PlotKeys {
  readonly #plot: PlotHandle;
  /** Where the R key began a region. */
  #regionStart: ChannelPoint | undefined;

  constructor(plot: PlotHandle) {
    this.#plot = plot;
  }

  /** Returns false for a key that has no function here. */
  handle(key: string, shift: boolean): boolean {
    const plot = this.#plot;
    const { ranges } = plot;
    if (ranges === undefined) return false;
    if (plot.gates.handleKey(key)) return true;
    const middle = { x: (ranges.x[0] + ranges.x[1]) / 2, y: (ranges.y[0] + ranges.y[1]) / 2 };
    const arrow = ARROWS[key];
    if (arrow !== undefined) return this.#arrow(arrow, shift, middle, ranges);
    const centre = plot.pointing.cursor ?? middle;
    switch (key.length === 1 ? key.toLowerCase() : key) {
      case '+':
      case '=':
        plot.change(zoomed(plot, ranges, centre, KEY_ZOOM), 'zoom keys');
        return true;
      case '-':
        plot.change(zoomed(plot, ranges, centre, 1 / KEY_ZOOM), 'zoom keys');
        return true;
      case '0':
        plot.change({ x: undefined, y: undefined });
        return true;
      case 'z':
        plot.zoomBack();
        return true;
      case 'l':
        plot.change({ scale: SCALE_NAMES[(SCALE_NAMES.indexOf(plot.scale) + 1) % SCALE_NAMES.length] });
        return true;
      case 'u':
        plot.change({ channels: !plot.spec.channels });
        return true;
      case 'r':
        this.#region();
        return true;
      case 'Escape':
        this.#regionStart = undefined;
        plot.point({ cursor: undefined, rubberBand: undefined });
        return true;
      default:
        return this.#regionKey(key);
    }
  }

  #regionKey(key: string): boolean {
    const { regions } = this.#plot;
    switch (key) {
      case 'Delete':
      case 'Backspace':
        regions.removeSelected();
        return true;
      case 'g':
      case 'G':
        regions.selectNext();
        return true;
      case '[':
      case ']':
        regions.moveSelected(key === '[' ? -1 : 1, false);
        return true;
      case '{':
      case '}':
        regions.moveSelected(key === '{' ? -1 : 1, true);
        return true;
      default:
        return false;
    }
  }

  #arrow(
    [right, up]: readonly [number, number],
    shift: boolean,
    middle: ChannelPoint,
    ranges: VisibleRanges,
  ): boolean {
    const plot = this.#plot;
    if (plot.isOneDimensional && right === 0) return false;
    if (!shift) {
      this.#moveCursor([right, up], middle, ranges);
      return true;
    }
    const step = ([from, to]: ChannelRange): number => (to - from) * KEY_PAN;
    const by = { x: right * step(ranges.x), y: up * step(ranges.y) };
    plot.change(panned(plot, ranges, by), 'moving keys');
    return true;
  }

  /** Moves the cursor by one channel, or by one pixel where channels are narrower. */
  #moveCursor([right, up]: readonly [number, number], middle: ChannelPoint, ranges: VisibleRanges): void {
    const { pointing, area } = this.#plot;
    const start = pointing.cursor ?? middle;
    const moved = (channel: number, direction: number, [from, to]: ChannelRange, pixels: number): number =>
      Math.min(Math.max(channel + direction * Math.max(1, (to - from) / pixels), from), to - 0.5);
    const cursor = {
      x: moved(start.x, right, ranges.x, area?.width ?? 1),
      y: moved(start.y, up, ranges.y, area?.height ?? 1),
    };
    const begun = this.#regionStart;
    const rubberBand = begun === undefined ? undefined : partBetween(this.#plot, begun, cursor);
    this.#plot.point({ cursor, rubberBand });
  }

  /** Begins a region at the cursor, or ends it there. */
  #region(): void {
    const plot = this.#plot;
    const { cursor } = plot.pointing;
    const start = this.#regionStart;
    this.#regionStart = undefined;
    if (cursor === undefined) return plot.notices.show('Move the cursor first: ← or → on the plot.');
    if (start === undefined) {
      this.#regionStart = cursor;
      return plot.point({ rubberBand: partBetween(plot, cursor, cursor) });
    }
    plot.point({ rubberBand: undefined });
    plot.regions.add(partBetween(plot, start, cursor));
  }
}
