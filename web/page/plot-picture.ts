/**
 * The canvas of one plot: counts, axes and marks. `Plot` creates it and calls it with each drawing;
 * counts are drawn by `plot-counts.ts`, marks by `plot-marks.ts`. Changes only the canvas.
 */
import type { Placement } from '../view/axis.js';
import type { Frame } from '../wire/frame.js';
import type { GateShape, SpectrumInfo } from '../wire/messages.js';
import { KEY_WIDTH } from './draw-heat.js';
import { drawCalibratedAxis, drawXAxis, drawYAxis, sideAxisWidth } from './draw-axes.js';
import { areaOf, prepare, type PlotArea } from './plot-area.js';
import { PlotCounts, type DrawnCounts } from './plot-counts.js';
import type { PlotHandle } from './plot-interface.js';
import { drawPlotMarks, type PlotMarks } from './plot-marks.js';
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

  constructor(plot: PlotHandle) {
    this.#plot = plot;
  }

  /** Where the counts are drawn; undefined before the first drawing. */
  get area(): PlotArea | undefined {
    return this.#area;
  }

  /** Of the last drawing; undefined before the first. */
  get drawn(): DrawnCounts | undefined {
    return this.#drawn;
  }

  /** Draws only the background while the size, the axes or all counts are unknown. */
  draw({ frames, placementOf, gates, layers }: PictureInput): void {
    const plot = this.#plot;
    const palette = currentPalette();
    const canvas = prepare(plot.canvas, plot.size, palette.paper);
    if (canvas === undefined) return;
    const { context, width, height } = canvas;
    const { axes, ranges, isOneDimensional, scale, spec } = plot;
    const right = isOneDimensional ? MARGIN_PX.right : KEY_WIDTH;
    const inChannels = spec.channels;
    const yView =
      isOneDimensional || axes === undefined || ranges === undefined
        ? undefined
        : { axis: axes.y, range: ranges.y, inChannels };
    const labels = yView === undefined ? 0 : sideAxisWidth(context, height, yView);
    const area = areaOf(width, height, { left: Math.max(MARGIN_PX.left, labels), right });
    this.#area = area;
    if (axes === undefined || ranges === undefined || frames.every((frame) => frame === undefined)) return;
    const counts = { context, area, scale, ranges, frames };
    const xView = { axis: axes.x, range: ranges.x, inChannels };
    if (yView === undefined) {
      this.#drawn = this.#counts.drawHistograms(counts, spec.rateS !== undefined, placementOf);
      drawXAxis(context, area, width, xView, palette);
      const calibration = plot.spectrum(0)?.calibration;
      if (calibration !== undefined) drawCalibratedAxis(context, area, xView, calibration, palette);
    } else {
      this.#drawn = this.#counts.drawMap(counts) ?? this.#drawn;
      drawXAxis(context, area, width, xView, palette);
      drawYAxis(context, area, yView, palette);
    }
    const markArea = { area, x: ranges.x, y: isOneDimensional ? undefined : ranges.y, paper: palette.paper };
    drawPlotMarks(context, markArea, { plot, axes, gates, layers });
  }
}
