/**
 * The board of plots: adding, removing and arranging them in columns. `main.ts` restores it from
 * the address bar, and writes the address bar when the board reports a change. Touches its own part
 * of the document.
 */
import { OVERLAYS_MAX, defaultPlot, PLOTS_MAX, type PlotSpec } from '../view/plot-spec.js';
import { element } from './dom.js';
import { Plot } from './plot.js';
import type { PageServices } from './plot-interface.js';

/** Where a spectrum goes: instead of the last plot, over it, or into a new plot. */
export type SpectrumPlacement = 'replace' | 'overlay' | 'add';

/** The type of dragged data: the index of a plot. */
const DRAG_TYPE = 'text/x-mirrorflow-plot';

export class Board {
  readonly element = element('section', { class: 'board', 'aria-label': 'Plots' });
  readonly #services: PageServices;
  readonly #changed: () => void;
  readonly #emptyNote = element('div', { class: 'board-empty' });
  #plots: Plot[] = [];
  #columns = 0;

  constructor(services: PageServices, changed: () => void) {
    this.#services = services;
    this.#changed = changed;
    services.state.on('status', () => this.#updateEmptyNote());
    this.#updateEmptyNote();
    this.#arrange();
  }

  get specs(): readonly PlotSpec[] {
    return this.#plots.map(({ spec }) => spec);
  }

  get columns(): number {
    return this.#columns;
  }

  set columns(columns: number) {
    this.#columns = columns;
    this.#arrange();
    this.#changed();
  }

  /** The names of all spectra on the board. */
  get names(): ReadonlySet<string> {
    return new Set(this.#plots.flatMap(({ spec }) => spec.spectra));
  }

  /** Shows the given plots; existing ones are changed rather than replaced. */
  restore(specs: readonly PlotSpec[], columns: number): void {
    this.#columns = columns;
    specs.forEach((spec, index) => {
      const existing = this.#plots[index];
      if (existing === undefined) this.#plots.push(this.#createPlot(spec));
      else if (JSON.stringify(existing.spec) !== JSON.stringify(spec)) existing.apply(spec);
    });
    for (const plot of this.#plots.splice(specs.length)) plot.close();
    this.#arrange();
  }

  /**
   * Shows a spectrum. `replace` focuses a plot that shows it already; `overlay` does nothing where
   * it is not possible, and adds a plot when the last one is not one-dimensional.
   */
  show(name: string, placement: SpectrumPlacement): void {
    const last = this.#plots.at(-1);
    const info = this.#services.state.info(name);
    if (placement === 'overlay' && last !== undefined && last.isOneDimensional && info?.dimensions === 1) {
      const spectra = last.spec.spectra;
      if (!spectra.includes(name) && spectra.length < OVERLAYS_MAX)
        last.change({ spectra: [...spectra, name] });
      return;
    }
    if (placement === 'replace' && last !== undefined) {
      const shown = this.#plots.find(({ spec }) => spec.spectra.length === 1 && spec.spectra[0] === name);
      if (this.#plots.length > 1 && shown !== undefined) return shown.element.focus();
      return last.change(defaultPlot(name));
    }
    this.#add([defaultPlot(name)], this.#plots.length);
  }

  closeAll(): void {
    for (const plot of this.#plots.splice(0)) plot.close();
    this.#arrange();
  }

  /** The text of an empty board: what to do, or why no spectra are available. */
  #updateEmptyNote(): void {
    const { status } = this.#services.state;
    const unavailable = status !== undefined && (status.state === 'broken' || status.state === 'stopped');
    const lines = unavailable
      ? [
          status.state === 'stopped' ? 'This application does not run' : 'The spectra are not available',
          status.cause ?? 'Start it on the network page, or with “mirrorflow run”.',
          'The viewer retries every second; the page continues by itself.',
        ]
      : [
          'Choose a spectrum',
          'Click one in the list, or press / to search and Enter to show it.',
          'Shift-click overlays it on the last plot; + adds a plot.',
        ];
    if (this.#emptyNote.dataset['lines'] === lines.join()) return;
    this.#emptyNote.dataset['lines'] = lines.join();
    const [heading = '', ...rest] = lines;
    this.#emptyNote.replaceChildren(
      element('h2', {}, heading),
      ...rest.map((line) => element('p', {}, line)),
    );
  }

  #add(specs: readonly PlotSpec[], at: number): void {
    const room = PLOTS_MAX - this.#plots.length;
    this.#plots.splice(at, 0, ...specs.slice(0, room).map((spec) => this.#createPlot(spec)));
    this.#arrange();
    this.#changed();
  }

  #createPlot(spec: PlotSpec): Plot {
    const plot: Plot = new Plot(spec, this.#services, {
      changed: () => this.#changed(),
      remove: () => {
        this.#plots = this.#plots.filter((other) => other !== plot);
        plot.close();
        this.#arrange();
        this.#changed();
      },
      move: (by) => this.#move(plot, this.#plots.indexOf(plot) + by),
      add: (specs) => this.#add(specs, this.#plots.indexOf(plot) + 1),
    });
    this.#attachDragging(plot);
    return plot;
  }

  #move(plot: Plot, to: number): void {
    const from = this.#plots.indexOf(plot);
    if (from < 0 || to < 0 || to >= this.#plots.length || from === to) return;
    this.#plots.splice(from, 1);
    this.#plots.splice(to, 0, plot);
    this.#arrange();
    this.#changed();
  }

  #attachDragging(plot: Plot): void {
    const { element: card } = plot;
    card.addEventListener('dragstart', (event) => {
      event.dataTransfer?.setData(DRAG_TYPE, String(this.#plots.indexOf(plot)));
    });
    card.addEventListener('dragover', (event) => {
      if (event.dataTransfer?.types.includes(DRAG_TYPE) === true) event.preventDefault();
    });
    card.addEventListener('drop', (event) => {
      const from = event.dataTransfer?.getData(DRAG_TYPE) ?? '';
      const moved = from === '' ? undefined : this.#plots[Number(from)];
      if (moved === undefined) return;
      event.preventDefault();
      this.#move(moved, this.#plots.indexOf(plot));
    });
  }

  #arrange(): void {
    const count = this.#plots.length;
    const columns = this.#columns > 0 ? this.#columns : Math.ceil(Math.sqrt(count));
    this.element.style.setProperty('--columns', String(Math.max(1, Math.min(columns, count))));
    this.element.classList.toggle('is-empty', count === 0);
    const cards = count === 0 ? [this.#emptyNote] : this.#plots.map((plot) => plot.element);
    // Only cards in the wrong place are moved: moving an element removes its focus.
    cards.forEach((card, index) => {
      if (this.element.children[index] !== card)
        this.element.insertBefore(card, this.element.children[index] ?? null);
    });
    while (this.element.children.length > cards.length) this.element.lastElementChild?.remove();
  }
}
