/**
 * The canvas of one plot with its size and whether it is visible, as the browser reports them:
 * drawing reads them here, so that no drawing makes the browser lay out the page. `Plot` creates
 * it. Observes its element until `close`.
 */
import { element } from './dom.js';

export interface CanvasSize {
  /** In CSS pixels; 0 before the first layout. */
  readonly width: number;
  readonly height: number;
}

/** What a picture is drawn on, in CSS pixels. */
export interface PictureSurface {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
}

export class PlotSurface {
  readonly canvas = element('canvas', { 'aria-hidden': 'true' });
  readonly #resizing: ResizeObserver;
  readonly #visibility: IntersectionObserver;
  #size: CanvasSize = { width: 0, height: 0 };
  #visible = false;

  /** `card`: the element whose visibility counts. `changed`: size or visibility has. */
  constructor(card: Element, changed: () => void) {
    this.#resizing = new ResizeObserver((entries) => {
      this.#size = entries.at(-1)?.contentRect ?? this.#size;
      changed();
    });
    this.#resizing.observe(this.canvas);
    this.#visibility = new IntersectionObserver((entries) => {
      this.#visible = entries.at(-1)?.isIntersecting ?? false;
      changed();
    });
    this.#visibility.observe(card);
  }

  get size(): CanvasSize {
    return this.#size;
  }

  get visible(): boolean {
    return this.#visible;
  }

  close(): void {
    this.#resizing.disconnect();
    this.#visibility.disconnect();
  }
}
