/**
 * A small live picture of one spectrum in the list, with at most one frame (message with counts) a
 * second. `SpectrumList` creates one per visible row; each holds a subscription until `close`, and
 * draws on a canvas of its own.
 */
import { HeatImage } from './draw-heat.js';
import { element } from './dom.js';
import type { Drawable, DrawLoop } from './draw-loop.js';
import { prepare } from './plot-area.js';
import { peakOf } from '../../plotting/resample.js';
import { countScale } from '../../plotting/scale.js';
import type { Frame } from '../wire/frame.js';
import type { SubscriptionHandle, Subscriptions } from './subscriptions.js';
import { currentPalette } from './theme.js';

/** Columns and rows of the counts that the server sends. */
const COLUMNS = 96;
const ROWS = 48;
const FRAME_INTERVAL_MS = 1_000;
/** Size inside of the border in CSS pixels, as in the style sheet. */
const SIZE = { width: 82, height: 44 };
/** How a 2-D spectrum is drawn. */
const STYLE = { scale: 'log', palette: 'viridis', bottom: 0, threshold: undefined } as const;

export class Thumbnail implements Drawable {
  readonly canvas = element('canvas', { class: 'thumbnail', 'aria-hidden': 'true' });
  readonly #loop: DrawLoop;
  readonly #subscriptions: Subscriptions;
  readonly #handle: SubscriptionHandle;
  readonly #heat = new HeatImage();
  readonly #sumChanged: (sum: number) => void;
  #frame: Frame | undefined;

  constructor(name: string, subscriptions: Subscriptions, loop: DrawLoop, sumChanged: (sum: number) => void) {
    this.#loop = loop;
    this.#subscriptions = subscriptions;
    this.#sumChanged = sumChanged;
    this.#handle = subscriptions.open({
      frame: (frame) => {
        this.#frame = frame;
        this.#loop.schedule(this);
      },
      missing: () => (this.#frame = undefined),
    });
    this.#handle.setRequest({
      spectrum: name,
      columns: COLUMNS,
      rows: ROWS,
      minIntervalMs: FRAME_INTERVAL_MS,
    });
  }

  redraw(): void {
    this.#loop.schedule(this);
  }

  draw(): void {
    const frame = this.#frame;
    const palette = currentPalette();
    const canvas = prepare(this.canvas, SIZE, palette.paper);
    if (canvas !== undefined && frame !== undefined) {
      this.#sumChanged(frame.head.sum);
      const { context, width, height } = canvas;
      if (frame.head.dimensions === 2) {
        const image = this.#heat.paint(frame, { ...STYLE, top: Math.max(1, frame.head.max) });
        context.imageSmoothingEnabled = true;
        context.drawImage(image, 0, 0, width, height);
      } else drawBars(context, frame, width, height, palette.accent);
    }
    this.#handle.acknowledge();
  }

  close(): void {
    this.#subscriptions.close(this.#handle);
    this.#loop.cancel(this);
  }
}

function drawBars(
  context: CanvasRenderingContext2D,
  { values }: Frame,
  width: number,
  height: number,
  colour: string,
): void {
  const { toUnit } = countScale('sqrt', peakOf(values, 0, values.length).count);
  const step = width / Math.max(1, values.length);
  context.fillStyle = colour;
  for (let index = 0; index < values.length; index += 1) {
    const bar = toUnit(values[index] ?? 0) * (height - 2);
    context.fillRect(index * step, height - bar, Math.max(step, 0.8), bar);
  }
}
