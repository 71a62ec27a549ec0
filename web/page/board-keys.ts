/**
 * Which plot of the board is active, and which one a key is for: the one under the pointer, or else
 * the one that has the focus. The later of pointer and focus counts, so that a pointer that rests
 * on a plot takes no keys from the list. `Board` creates it. Listens in the document; marks the
 * card of the active plot.
 */
import type { Plot } from './plot.js';

export class BoardKeys {
  readonly #plots: () => readonly Plot[];
  #active: Plot | undefined;
  /** The plot that the next key is for. */
  #pointed: Plot | undefined;

  constructor(board: HTMLElement, plots: () => readonly Plot[]) {
    this.#plots = plots;
    board.addEventListener('pointerdown', ({ target }) => this.#activate(this.#plotAt(target)));
    board.addEventListener('pointermove', ({ target }) => (this.#pointed = this.#plotAt(target)));
    board.addEventListener('pointerleave', () => {
      this.#pointed = this.#plotAt(document.activeElement);
    });
    document.addEventListener('focusin', ({ target }) => {
      this.#pointed = this.#plotAt(target);
      this.#activate(this.#pointed);
    });
  }

  /** The target of the list: the plot that was used last; undefined on an empty board. */
  get active(): Plot | undefined {
    const plots = this.#plots();
    if (this.#active === undefined || !plots.includes(this.#active)) this.#active = plots.at(-1);
    return this.#active;
  }

  set active(plot: Plot | undefined) {
    this.#active = plot;
    this.mark();
  }

  /** Marks the active plot, when there are others. */
  mark(): void {
    const { active } = this;
    const plots = this.#plots();
    for (const plot of plots) {
      const isActive = plot === active && plots.length > 1;
      plot.element.classList.toggle('is-active', isActive);
      if (isActive) plot.element.setAttribute('aria-current', 'true');
      else plot.element.removeAttribute('aria-current');
    }
  }

  /** Returns false where no plot has a function for the key. */
  handle({ key, shiftKey, target }: KeyboardEvent): boolean {
    const plot = this.#pointed;
    if (plot === undefined || !this.#plots().includes(plot)) return false;
    // Controls inside of a plot have keys of their own.
    if (target instanceof Element && target.closest('button, summary, .menu') !== null) {
      if (key === 'Enter' || key === ' ' || key === 'Escape' || key.startsWith('Arrow')) return false;
    }
    return plot.handleKey(key, shiftKey);
  }

  #activate(plot: Plot | undefined): void {
    if (plot !== undefined && plot !== this.#active) this.active = plot;
  }

  #plotAt(target: EventTarget | null): Plot | undefined {
    return this.#plots().find(({ element }) => target instanceof Node && element.contains(target));
  }
}
