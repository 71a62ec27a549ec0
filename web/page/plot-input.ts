/**
 * The input of one plot: mouse and pen, fingers, keys. `Plot` creates it, and closes it with
 * itself. The help dialog (`help.ts`) lists all gestures.
 */
import type { PlotHandle } from './plot-interface.js';
import { PlotKeys } from './plot-keys.js';
import { PlotPointer } from './plot-pointer.js';
import { PlotTouch } from './plot-touch.js';

export class PlotInput {
  readonly #listeners = new AbortController();
  readonly #keys: PlotKeys;
  readonly #pointer: PlotPointer;

  constructor(plot: PlotHandle) {
    this.#keys = new PlotKeys(plot);
    this.#pointer = new PlotPointer(plot, this.#listeners.signal);
    void new PlotTouch(plot, this.#listeners.signal);
  }

  /** Returns false for a key that has no function here. */
  handleKey(key: string, shift: boolean): boolean {
    if (key === 'Escape' && this.#pointer.cancel()) return true;
    return this.#keys.handle(key, shift);
  }

  close(): void {
    this.#listeners.abort();
  }
}
