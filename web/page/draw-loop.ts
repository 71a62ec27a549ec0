/**
 * When things are drawn: at most once per picture of the screen, and never so much at once that the
 * page stops answering.
 */

export interface Drawable {
  draw(): void;
}

/** What one turn may take before the rest waits for the next, milliseconds. */
const TURN_MS = 10;

export class DrawLoop {
  readonly #waiting = new Set<Drawable>();
  #asked = false;

  /** Draws it soon; asking twice before that is once. */
  schedule(drawable: Drawable): void {
    this.#waiting.add(drawable);
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => this.#turn());
  }

  cancel(drawable: Drawable): void {
    this.#waiting.delete(drawable);
  }

  #turn(): void {
    this.#asked = false;
    const began = performance.now();
    for (const drawable of this.#waiting) {
      this.#waiting.delete(drawable);
      drawable.draw();
      if (performance.now() - began > TURN_MS) break;
    }
    if (this.#waiting.size > 0 && !this.#asked) {
      this.#asked = true;
      requestAnimationFrame(() => this.#turn());
    }
  }
}
