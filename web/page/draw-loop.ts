/**
 * Schedules the drawing of plots and thumbnails: each at most once per animation frame, and only
 * some milliseconds of drawing per frame, so that the page stays responsive. `viewer-page.ts`
 * creates the only one. Uses the browser's animation frames and no document.
 */

export interface Drawable {
  draw(): void;
}

/** Drawing time of one animation frame after which the rest waits for the next one. */
const FRAME_BUDGET_MS = 10;

export class DrawLoop {
  readonly #pending = new Set<Drawable>();
  #frameRequested = false;

  /** Draws in one of the next animation frames; repeated calls before that draw once. */
  schedule(drawable: Drawable): void {
    this.#pending.add(drawable);
    if (this.#frameRequested) return;
    this.#frameRequested = true;
    requestAnimationFrame(() => this.#drawFrame());
  }

  cancel(drawable: Drawable): void {
    this.#pending.delete(drawable);
  }

  /** Draws everything that waits, as before the browser prints. */
  drawNow(): void {
    for (const drawable of this.#pending) {
      this.#pending.delete(drawable);
      drawable.draw();
    }
  }

  #drawFrame(): void {
    this.#frameRequested = false;
    const startMs = performance.now();
    for (const drawable of this.#pending) {
      this.#pending.delete(drawable);
      drawable.draw();
      if (performance.now() - startMs > FRAME_BUDGET_MS) break;
    }
    if (this.#pending.size > 0 && !this.#frameRequested) {
      this.#frameRequested = true;
      requestAnimationFrame(() => this.#drawFrame());
    }
  }
}
