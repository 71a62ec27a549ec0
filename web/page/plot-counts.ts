/**
 * Draws the counts of one plot: histograms of its spectra over each other, or a map. `Plot` calls
 * it with each drawing and keeps what it returns. Draws on the canvas that is passed in.
 */
import { peakOf } from '../../plotting/resample.js';
import { countAxisTop, countScale, type ScaleName } from '../../plotting/scale.js';
import type { Placement } from '../view/axis.js';
import type { Frame } from '../wire/frame.js';
import type { ChannelRange, SpectrumInfo } from '../wire/messages.js';
import { drawCountAxis } from './draw-axes.js';
import type { CountView } from './draw-fit.js';
import { drawHeat, drawKey, HeatImage } from './draw-heat.js';
import { drawHistogram, visiblePart } from './draw-histogram.js';
import type { PlotArea } from './plot-area.js';
import { currentPalette } from './theme.js';

/** Top of the axis of counts in units of the highest visible count. */
const HEADROOM: Readonly<Record<ScaleName, number>> = { linear: 1.06, log: 2, sqrt: 1.06 };

/** What is drawn, and where. */
export interface CountsToDraw {
  readonly context: CanvasRenderingContext2D;
  readonly area: PlotArea;
  readonly scale: ScaleName;
  readonly ranges: { readonly x: ChannelRange; readonly y: ChannelRange };
  /** The newest frame of each spectrum, in the order of the plot; undefined before the first. */
  readonly frames: readonly (Frame | undefined)[];
}

export interface DrawnCounts {
  /** The highest visible value, in the unit of the axis. */
  readonly highest: number;
  /** How counts are drawn; undefined for maps. */
  readonly countView: CountView | undefined;
}

export class PlotCounts {
  readonly #heat = new HeatImage();

  /**
   * `isRate`: the axis is in counts per second. `placementOf`: the place of an overlaid spectrum.
   */
  drawHistograms(
    { context, area, scale, ranges: { x }, frames }: CountsToDraw,
    isRate: boolean,
    placementOf: (info: SpectrumInfo) => Placement,
  ): DrawnCounts {
    const palette = currentPalette();
    const present = frames.filter((frame) => frame !== undefined);
    const maxima = present.map((frame) => {
      const { values } = visiblePart(frame, x, placementOf(frame.head.info));
      return peakOf(values, 0, values.length).count * shownPerCount(frame);
    });
    const highest = Math.max(...maxima);
    const top = countAxisTop(highest * HEADROOM[scale]);
    drawCountAxis(context, area, countScale(scale, top), isRate ? 'counts/s' : 'counts', palette);
    frames.forEach((frame, index) => {
      if (frame === undefined || frame.head.dimensions !== 1) return;
      drawHistogram(context, area, x, frame, {
        colour: palette.series[index % palette.series.length] ?? palette.accent,
        filled: frames.length === 1,
        scale,
        top,
        placement: placementOf(frame.head.info),
        factor: shownPerCount(frame),
      });
    });
    return { highest, countView: { scale, top, factor: shownPerCount(present[0]) } };
  }

  /** Undefined where the first spectrum has no frame of a map yet. */
  drawMap({ context, area, scale, ranges, frames }: CountsToDraw): DrawnCounts | undefined {
    const [frame] = frames;
    if (frame === undefined || frame.head.dimensions !== 2) return undefined;
    const max = Math.max(1, frame.head.max);
    drawHeat(context, area, ranges.x, ranges.y, frame, this.#heat.paint(frame, scale, max));
    drawKey(context, area, scale, max * shownPerCount(frame), currentPalette());
    return { highest: frame.head.max * shownPerCount(frame), countView: undefined };
  }
}

/** Shown value per count: 1, or one over the seconds that the counts of a rate took. */
function shownPerCount(frame: Frame | undefined): number {
  const { rateS, spanS = 0 } = frame?.head ?? {};
  return rateS === undefined || spanS === 0 ? 1 : 1 / spanS;
}
