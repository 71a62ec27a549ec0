/** A small live picture of a spectrum in the list; once a second is enough for it. */
import { HeatImage } from './draw-heat.js';
import { element } from './dom.js';
import type { Drawable, DrawLoop } from './draw-loop.js';
import { prepare } from './plot-area.js';
import { peakOf } from '../../plotting/resample.js';
import { countScale } from '../../plotting/scale.js';
import type { Frame } from '../wire/frame.js';
import type { Handle, Subscriptions } from './subscriptions.js';
import { currentPalette } from './theme.js';

const COLUMNS = 96;
const ROWS = 48;
const EVERY_MS = 1_000;

export class Thumbnail implements Drawable {
  readonly canvas = element('canvas', { class: 'thumbnail', 'aria-hidden': 'true' });
  readonly #loop: DrawLoop;
  readonly #subscriptions: Subscriptions;
  readonly #handle: Handle;
  readonly #heat = new HeatImage();
  readonly #counted: (sum: number) => void;
  #frame: Frame | undefined;

  constructor(name: string, subscriptions: Subscriptions, loop: DrawLoop, counted: (sum: number) => void) {
    this.#loop = loop;
    this.#subscriptions = subscriptions;
    this.#counted = counted;
    this.#handle = subscriptions.open({
      frame: (frame) => {
        this.#frame = frame;
        this.#loop.ask(this);
      },
      missing: () => (this.#frame = undefined),
    });
    this.#handle.want({ spectrum: name, columns: COLUMNS, rows: ROWS, minIntervalMs: EVERY_MS });
  }

  redraw(): void {
    this.#loop.ask(this);
  }

  draw(): void {
    const frame = this.#frame;
    const palette = currentPalette();
    const made = prepare(this.canvas, palette.paper);
    if (made !== undefined && frame !== undefined) {
      this.#counted(frame.head.sum);
      const { context, width, height } = made;
      if (frame.head.dimensions === 2) {
        const image = this.#heat.of(frame, 'log', Math.max(1, frame.head.max));
        context.imageSmoothingEnabled = true;
        context.drawImage(image, 0, 0, width, height);
      } else bars(context, frame, width, height, palette.accent);
    }
    this.#handle.drawn();
  }

  close(): void {
    this.#subscriptions.close(this.#handle);
    this.#loop.drop(this);
  }
}

function bars(
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
    const high = toUnit(values[index] ?? 0) * (height - 2);
    context.fillRect(index * step, height - high, Math.max(step, 0.8), high);
  }
}
