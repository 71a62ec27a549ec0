/**
 * The picture of a plot for a file: as it is shown, without cursor, below a title with the names of
 * its spectra, the application and the time of the data; as PNG at twice the resolution, or as SVG.
 * `plot-files.ts` calls it. Draws on surfaces of its own.
 */
import { momentText } from '../view/moment.js';
import { plotTitles } from '../view/plot-title.js';
import { FONT } from './plot-area.js';
import type { PlotHandle } from './plot-interface.js';
import { SvgContext } from './svg-context.js';
import { currentPalette } from './theme.js';

const HEAD_PX = 44;
const EDGE_PX = 12;
const PNG_SCALE = 2;
const TITLE_FONT = '600 14px system-ui, sans-serif';

export async function pictureBlob(plot: PlotHandle): Promise<Blob> {
  const { width, height } = sizeOf(plot);
  const canvas = document.createElement('canvas');
  canvas.width = width * PNG_SCALE;
  canvas.height = height * PNG_SCALE;
  const context = canvas.getContext('2d', { alpha: false });
  if (context === null) throw new Error('the browser has no memory for the picture');
  context.scale(PNG_SCALE, PNG_SCALE);
  draw(plot, context);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (blob === null) throw new Error('the browser cannot make a PNG of this size');
  return blob;
}

export function pictureSvg(plot: PlotHandle): string {
  const { width, height } = sizeOf(plot);
  const context = new SvgContext();
  // This context has what the drawing functions of plots use.
  draw(plot, context as unknown as CanvasRenderingContext2D);
  return context.document(width, height, plot.spec.spectra.join(', '));
}

function sizeOf({ size }: PlotHandle): { width: number; height: number } {
  return { width: Math.ceil(size.width), height: Math.ceil(size.height) + HEAD_PX };
}

function draw(plot: PlotHandle, context: CanvasRenderingContext2D): void {
  const palette = currentPalette();
  const { width, height } = sizeOf(plot);
  context.fillStyle = palette.paper;
  context.fillRect(0, 0, width, height);
  drawHead(plot, context, width);
  context.save();
  context.translate(0, HEAD_PX);
  plot.paintOn({ context, width: plot.size.width, height: plot.size.height });
  context.restore();
}

function drawHead(plot: PlotHandle, context: CanvasRenderingContext2D, width: number): void {
  const palette = currentPalette();
  const { rateS } = plot.spec;
  const titles = plotTitles(plot.spec);
  context.textAlign = 'left';
  context.textBaseline = 'top';
  context.font = TITLE_FONT;
  let left = EDGE_PX;
  titles.forEach((text, index) => {
    context.fillStyle =
      titles.length === 1 ? palette.ink : (palette.series[index % palette.series.length] ?? palette.ink);
    context.fillText(text, left, 8);
    left += context.measureText(text).width + EDGE_PX;
  });
  const atMs = plot.frames[0]?.frame.head.atMs ?? 0;
  const facts = [
    plot.app ?? '',
    location.host,
    atMs > 0 ? momentText(atMs) : '',
    rateS === undefined ? '' : `counts per second, last ${rateS} s`,
  ].filter((fact) => fact !== '');
  context.font = FONT;
  context.fillStyle = palette.faint;
  context.fillText(facts.join(' · '), EDGE_PX, 27, width - 2 * EDGE_PX);
}
