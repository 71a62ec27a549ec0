/**
 * The canvas of one plot: counts, axes and marks. `Plot` creates it and calls it with each drawing;
 * counts are drawn by `plot-counts.ts`, marks by `plot-marks.ts`. Changes only the canvas,
 * or the surface of a file.
 */
import type { Placement } from '../view/axis.js';
import { logOriginOf } from '../view/plot-axes.js';
import type { Frame } from '../wire/frame.js';
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';
import { KEY_WIDTH } from './draw-heat.js';
import { drawCalibratedAxis, drawXAxis, drawYAxis, sideAxisWidth } from './draw-axes.js';
import { areaOf, prepare, type PlotArea } from './plot-area.js';
import { PlotCounts, type DrawnCounts } from './plot-counts.js';
import type { PlotHandle, PlotPointing } from './plot-interface.js';
import { drawPlotMarks, type PlotMarks } from './plot-marks.js';
import type { PictureSurface } from './plot-surface.js';
import { currentPalette } from './theme.js';

const MARGIN_PX = { left: 58, right: 12 };

/** What a drawing needs besides the plot. */
export interface PictureInput {
  /** The newest frame of each spectrum, in the order of the plot; undefined before the first. */
  readonly frames: readonly (Frame | undefined)[];
  readonly placementOf: (info: SpectrumInfo) => Placement;
  readonly gates: readonly GateShape[];
  readonly layers: PlotMarks['layers'];
}

export class PlotPicture {
  readonly #plot: PlotHandle;
  readonly #counts = new PlotCounts();
  #area: PlotArea | undefined;
  #drawn: DrawnCounts | undefined;
  #last: PictureInput | undefined;

  constructor(plot: PlotHandle) {
    this.#plot = plot;
  }

  /** Where the counts are drawn; undefined before the first drawing. */
  get area(): PlotArea | undefined {
    return this.#area;
  }

  /** The counts of the last drawing; undefined before the first. */
  get drawn(): DrawnCounts | undefined {
    return this.#drawn;
  }

  /** Draws only the background while the size, the axes or all counts are unknown. */
  draw(input: PictureInput): void {
    const plot = this.#plot;
    this.#last = input;
    const canvas = prepare(plot.canvas, plot.size, currentPalette().paper);
    if (canvas === undefined) return;
    const { area, drawn } = this.#paint(canvas, input, this.#counts, plot.pointing);
    this.#area = area;
    this.#drawn = drawn ?? this.#drawn;
  }

  /** Draws the last picture again, without cursor, as for a file. */
  paintOn(surface: PictureSurface): void {
    if (this.#last !== undefined) this.#paint(surface, this.#last, new PlotCounts(), {});
  }

  #paint(
    { context, width, height }: PictureSurface,
    { frames, placementOf, gates, layers }: PictureInput,
    painter: PlotCounts,
    pointing: PlotPointing,
  ): { area: PlotArea; drawn: DrawnCounts | undefined } {
    const plot = this.#plot;
    const palette = currentPalette();
    const { axes, ranges, isOneDimensional, scale, spec } = plot;
    const right = isOneDimensional ? MARGIN_PX.right : KEY_WIDTH;
    const inChannels = spec.channels;
    const yView =
      isOneDimensional || axes === undefined || ranges === undefined
        ? undefined
        : { axis: axes.y, range: ranges.y, inChannels };
    const labels = yView === undefined ? 0 : sideAxisWidth(context, height, yView);
    const logOrigin = isOneDimensional ? logOriginOf(axes, ranges, spec) : undefined;
    const area = areaOf(width, height, { left: Math.max(MARGIN_PX.left, labels), right }, logOrigin);
    if (axes === undefined || ranges === undefined || frames.every((frame) => frame === undefined)) {
      return { area, drawn: undefined };
    }
    let drawn: DrawnCounts | undefined;
    const counts = { context, area, scale, spec, ranges, frames };
    const xView = { axis: axes.x, range: ranges.x, inChannels };
    if (yView === undefined) {
      drawn = painter.drawHistograms(counts, placementOf);
      drawXAxis(context, area, width, xView, palette);
      const calibration = plot.spectrum(0)?.calibration;
      if (calibration !== undefined) drawCalibratedAxis(context, area, xView, calibration, palette);
    } else {
      drawn = painter.drawMap(counts);
      drawXAxis(context, area, width, xView, palette);
      drawYAxis(context, area, yView, palette);
    }
    const markArea = { area, x: ranges.x, y: isOneDimensional ? undefined : ranges.y, paper: palette.paper };
    drawPlotMarks(context, markArea, { plot, axes, gates, layers, pointing });
    return { area, drawn };
  }
}
