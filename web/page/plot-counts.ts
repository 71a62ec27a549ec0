/**
 * Draws the counts of one plot: histograms of its spectra over each other or compared, or a map.
 * `Plot` calls it with each drawing and keeps what it returns. Draws on the canvas that is passed
 * in.
 */
import { countScale, type ScaleName } from '../../plotting/scale.js';
import type { Placement } from '../view/axis.js';
import { comparedCurves, isOneCurve } from '../view/comparison.js';
import { countLimits } from '../view/count-limits.js';
import { curveOf, shownPerCount, type Curve } from '../view/curve.js';
import { limitsOf } from '../view/plot-look.js';
import type { PlotSpec } from '../view/plot-spec.js';
import { countsLabel } from '../view/plot-title.js';
import type { Frame } from '../wire/frame.js';
import type { ChannelRange } from '../wire/ranges.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';
import { drawCountAxis } from './draw-axes.js';
import type { CountView } from './draw-fit.js';
import { drawHeat, drawKey, HeatImage } from './draw-heat.js';
import { drawHistogram } from './draw-histogram.js';
import type { PlotArea } from './plot-area.js';
import { currentPalette } from './theme.js';

/** What is drawn, and where. */
export interface CountsToDraw {
  readonly context: CanvasRenderingContext2D;
  readonly area: PlotArea;
  readonly scale: ScaleName;
  readonly spec: PlotSpec;
  readonly ranges: { readonly x: ChannelRange; readonly y: ChannelRange };
  /** The newest frame of each spectrum, in the order of the plot; undefined before the first. */
  readonly frames: readonly (Frame | undefined)[];
}

export interface DrawnCounts {
  /** The highest visible value, in the unit of the axis. */
  readonly highest: number;
  /** The counts at the ends of the axis, or of the colours. */
  readonly limits: { readonly bottom: number; readonly top: number };
  /** How counts are drawn; undefined for maps, and where no curve has the counts themselves. */
  readonly countView: CountView | undefined;
  /** Difference or ratio of two spectra. */
  readonly combined: Curve | undefined;
}

export class PlotCounts {
  readonly #heat = new HeatImage();

  /** `placementOf`: the place of an overlaid spectrum. */
  drawHistograms(
    { context, area, scale: name, spec, ranges: { x }, frames }: CountsToDraw,
    placementOf: (info: SpectrumInfo) => Placement,
  ): DrawnCounts {
    const palette = currentPalette();
    const { comparison, look } = spec;
    const counted = frames.map((frame) =>
      frame?.head.dimensions === 1 ? curveOf(frame, x, placementOf(frame.head.info)) : undefined,
    );
    const curves = comparedCurves(counted, comparison);
    const isCombined = counted.length > 1 && isOneCurve(comparison);
    const isRatio = isCombined && comparison?.kind === 'ratio';
    const { bottom, top, highest } = countLimits(curves, name, look, isRatio);
    const scale = countScale(name, top, bottom);
    drawCountAxis(context, area, scale, countsLabel(spec), palette);
    curves.forEach((curve, index) => {
      if (curve === undefined) return;
      drawHistogram(context, area, x, curve, {
        colour: palette.series[index % palette.series.length] ?? palette.accent,
        filled: curves.length === 1,
        scale,
        threshold: look.threshold,
      });
    });
    const factor = shownPerCount(frames.find((frame) => frame !== undefined)?.head);
    const limits = { bottom: scale.bottom, top: scale.top };
    return {
      highest,
      limits,
      countView: isCombined ? undefined : { scale: name, ...limits, factor },
      combined: isCombined ? curves[0] : undefined,
    };
  }

  /** Undefined where the first spectrum has no frame of a map yet. */
  drawMap({ context, area, scale, spec, ranges, frames }: CountsToDraw): DrawnCounts | undefined {
    const [frame] = frames;
    if (frame === undefined || frame.head.dimensions !== 2) return undefined;
    const { palette, threshold, low, high } = spec.look;
    const perCount = shownPerCount(frame.head);
    const typed = limitsOf(low, high);
    const shown = countScale(scale, typed.high ?? Math.max(1, frame.head.max) * perCount, typed.low);
    const image = this.#heat.paint(frame, {
      scale,
      palette,
      bottom: shown.bottom / perCount,
      top: shown.top / perCount,
      threshold: threshold === undefined ? undefined : threshold / perCount,
    });
    drawHeat(context, area, ranges.x, ranges.y, frame, image);
    drawKey(context, area, shown, palette, currentPalette());
    return {
      highest: frame.head.max * perCount,
      limits: { bottom: shown.bottom, top: shown.top },
      countView: undefined,
      combined: undefined,
    };
  }
}
