/**
 * Draws a 2-D spectrum (counts in channels of two axes) as a heat map, and the colour key beside
 * it. Used by plots and thumbnails. Draws on the canvas that is passed in; a frame is the message
 * with the counts of one view of a spectrum.
 */
import { paletteColour, type PaletteName } from '../../plotting/palettes.js';
import type { CountScale } from '../../plotting/scale.js';
import { countLabel } from '../view/count-label.js';
import { colourWords, paintHeat, type HeatScale } from '../view/heat.js';
import type { Frame } from '../wire/frame.js';
import type { ChannelRange } from '../wire/ranges.js';
import { channelToX, channelToY, FONT, type PlotArea } from './plot-area.js';
import type { Palette } from './theme.js';

/** Width of the key with its labels, and of its bar, in CSS pixels. */
export const KEY_WIDTH = 64;
const KEY_BAR_WIDTH = 12;

/** Colours of a map, and their counts. */
export interface HeatStyle extends HeatScale {
  readonly palette: PaletteName;
}

/** The pixels of the last frame, kept so that zooming and redrawing need no painting. */
export class HeatImage {
  readonly #canvas = document.createElement('canvas');
  #image: ImageData | undefined;
  #painted: { frame: Frame; style: string } | undefined;
  #colours: { palette: PaletteName; words: Uint32Array } | undefined;

  /** A canvas with one pixel per value of the frame. */
  paint(frame: Frame, style: HeatStyle): HTMLCanvasElement {
    const { columns, rows } = frame.head;
    const last = this.#painted;
    const styleText = JSON.stringify(style);
    if (last?.frame === frame && last.style === styleText) return this.#canvas;
    const context = this.#canvas.getContext('2d');
    if (context === null) return this.#canvas;
    if (this.#image?.width !== columns || this.#image.height !== rows) {
      this.#canvas.width = columns;
      this.#canvas.height = rows;
      this.#image = context.createImageData(columns, rows);
    }
    const pixels = new Uint32Array(this.#image.data.buffer);
    paintHeat(pixels, frame.values, columns, rows, this.#coloursOf(style.palette), style);
    context.putImageData(this.#image, 0, 0);
    this.#painted = { frame, style: styleText };
    return this.#canvas;
  }

  #coloursOf(palette: PaletteName): Uint32Array {
    if (this.#colours?.palette !== palette) this.#colours = { palette, words: colourWords(palette) };
    return this.#colours.words;
  }
}

export function drawHeat(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  x: ChannelRange,
  y: ChannelRange,
  frame: Frame,
  image: HTMLCanvasElement,
): void {
  const { head } = frame;
  const left = channelToX(area, x, head.x[0]);
  const right = channelToX(area, x, head.x[0] + head.columns * head.xgroup);
  const top = channelToY(area, y, head.y[0] + head.rows * head.ygroup);
  const bottom = channelToY(area, y, head.y[0]);
  context.save();
  context.beginPath();
  context.rect(area.left, area.top, area.width, area.height);
  context.clip();
  context.imageSmoothingEnabled = false;
  context.drawImage(image, left, top, right - left, bottom - top);
  context.restore();
}

/** Draws the colours with their counts, right of the map; the counts of `scale` are those shown. */
export function drawKey(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  scale: CountScale,
  colours: PaletteName,
  palette: Palette,
): void {
  const left = area.left + area.width + 12;
  const cells = Math.max(1, Math.round(area.height));
  for (let cell = 0; cell < cells; cell += 1) {
    const [red, green, blue] = paletteColour(colours, 1 - cell / cells);
    context.fillStyle = `rgb(${red} ${green} ${blue})`;
    context.fillRect(left, area.top + cell, KEY_BAR_WIDTH, 1.5);
  }
  context.font = FONT;
  context.fillStyle = palette.faint;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  let lastY = Infinity;
  for (const tick of scale.ticks(Math.max(2, area.height / 45))) {
    const y = area.top + area.height * (1 - tick.at);
    if (y > lastY - 12) continue;
    lastY = y;
    context.fillText(countLabel(tick, scale), left + KEY_BAR_WIDTH + 5, Math.max(area.top + 5, y));
  }
}
