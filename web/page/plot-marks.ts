/**
 * Draws the marks over the counts of one plot: gates, regions, peaks, the rectangle that the user
 * draws, and the cursor. `Plot` calls it with each drawing. Draws on the canvas that is passed in,
 * and names the gates in a data attribute of the plot, which tests read.
 */
import type { Axis } from '../view/axis.js';
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import { gatesOn } from '../view/gates-on.js';
import { drawCursor, drawGate, drawRegion, type MarkArea } from './draw-marks.js';
import type { PlotHandle, PlotPointing } from './plot-interface.js';
import { currentPalette } from './theme.js';

export interface PlotMarks {
  readonly plot: PlotHandle;
  readonly axes: { readonly x: Axis; readonly y: Axis };
  /** All gates of the application. */
  readonly gates: readonly GateShape[];
  /** Cursor and rubber band; none on pictures for files. */
  readonly pointing: PlotPointing;
  /** Regions and peaks, which draw themselves. */
  readonly layers: readonly { draw(context: CanvasRenderingContext2D, area: MarkArea): void }[];
}

export function drawPlotMarks(context: CanvasRenderingContext2D, area: MarkArea, marks: PlotMarks): void {
  const { plot, axes, layers, pointing } = marks;
  const { info } = plot;
  const { cursor, rubberBand } = pointing;
  const palette = currentPalette();
  if (info !== undefined) {
    const gates = gatesOn(info, plot.spec.projection, marks.gates);
    for (const gate of gates) drawGate(context, area, gate, axes, gate.name === info.gate, palette);
    plot.element.dataset['gates'] = gates.map(({ name }) => name).join(' ');
  }
  for (const layer of layers) layer.draw(context, area);
  if (rubberBand !== undefined) drawRegion(context, area, rubberBand, palette.accent);
  if (cursor !== undefined) {
    drawCursor(context, area, { x: Math.floor(cursor.x) + 0.5, y: Math.floor(cursor.y) + 0.5 }, palette);
  }
}
