/**
 * The settings of one plot: those that are kept in the address of the page, those that a drag
 * shows before it ends, and the visible parts before each zoom. `Plot` creates it and applies what
 * it returns. Pure; the time comes in as a parameter.
 */
import type { PlotSpec } from '../view/plot-spec.js';
import { StepBurst } from './step-burst.js';

/** Visible parts that "zoom back" remembers. */
const ZOOMS_MAX = 50;

export type VisiblePart = Pick<PlotSpec, 'x' | 'y'>;

export class PlotSettings {
  readonly #burst = new StepBurst();
  readonly #zooms: VisiblePart[] = [];
  #kept: PlotSpec;
  #shown: PlotSpec;

  constructor(spec: PlotSpec) {
    this.#kept = spec;
    this.#shown = spec;
  }

  /** What is drawn. */
  get shown(): PlotSpec {
    return this.#shown;
  }

  /** What the address of the page has: without a drag that has not ended. */
  get kept(): PlotSpec {
    return this.#kept;
  }

  get canZoomBack(): boolean {
    return this.#zooms.length > 0;
  }

  /** Shows a change until it is kept or cancelled. */
  preview(change: Partial<PlotSpec>): PlotSpec {
    this.#shown = { ...this.#shown, ...change };
    return this.#shown;
  }

  cancelPreview(): PlotSpec {
    this.#shown = this.#kept;
    return this.#kept;
  }

  /** Keeps a change; `burst` names the wheel or the key whose repetitions are one step. */
  keep(change: Partial<PlotSpec>, burst: string | undefined, nowMs: number): PlotSpec {
    const before = this.#kept;
    this.set({ ...this.#shown, ...change });
    const { x, y, spectra } = this.#kept;
    if (spectra[0] !== before.spectra[0]) this.#zooms.length = 0;
    else if (!samePart(before, { x, y }) && !this.#burst.continues(burst, nowMs)) {
      this.#zooms.push({ x: before.x, y: before.y });
      if (this.#zooms.length > ZOOMS_MAX) this.#zooms.shift();
    }
    return this.#kept;
  }

  /** Settings from the address of the page. */
  set(spec: PlotSpec): PlotSpec {
    this.#kept = spec;
    this.#shown = spec;
    return spec;
  }

  /** Keeps the visible part before the last zoom; undefined without one. */
  zoomBack(): PlotSpec | undefined {
    const part = this.#zooms.pop();
    return part === undefined ? undefined : this.set({ ...this.#kept, ...part });
  }
}

function samePart(one: VisiblePart, other: VisiblePart): boolean {
  return String(one.x) === String(other.x) && String(one.y) === String(other.y);
}
