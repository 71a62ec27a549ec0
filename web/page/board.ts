/**
 * The board of plots: adding, removing and arranging them in columns. `viewer-page.ts` restores it
 * from the address bar, and writes the address bar when the board reports a change. Touches its own
 * part of the document.
 */
import { OVERLAYS_MAX, defaultPlot, PLOTS_MAX, type PlotSpec } from '../view/plot-spec.js';
import { commonLimits, isSameKind, sharedView } from '../view/shared-view.js';
import { attachDragging } from './board-drag.js';
import { BoardKeys } from './board-keys.js';
import { BoardNote } from './board-note.js';
import { element } from './dom.js';
import { Plot } from './plot.js';
import type { PageServices } from './plot-interface.js';

/** Where a spectrum goes: into the active plot, over it, or into a new plot. */
export type SpectrumPlacement = 'replace' | 'overlay' | 'add';

export interface BoardEvents {
  /** Plots or their settings have changed; changes of one burst are one step of the history. */
  changed(burst?: string): void;
  undo(): void;
}

export class Board {
  readonly element = element('section', { class: 'board', 'aria-label': 'Plots', tabindex: '-1' });
  readonly #services: PageServices;
  readonly #events: BoardEvents;
  readonly #note = new BoardNote();
  readonly #keys: BoardKeys;
  #plots: Plot[] = [];
  #columns = 0;

  constructor(services: PageServices, events: BoardEvents) {
    this.#services = services;
    this.#events = events;
    this.#keys = new BoardKeys(this.element, () => this.#plots);
    services.state.on('status', () => this.#note.update(services.state.status));
    this.#note.update(services.state.status);
    this.#arrange();
  }

  get specs(): readonly PlotSpec[] {
    return this.#plots.map(({ keptSpec }) => keptSpec);
  }

  get columns(): number {
    return this.#columns;
  }

  set columns(columns: number) {
    this.#columns = columns;
    this.#arrange();
    this.#events.changed();
  }

  /** The names of all spectra on the board. */
  get names(): ReadonlySet<string> {
    return new Set(this.#plots.flatMap(({ spec }) => spec.spectra));
  }

  /** Returns false where no plot has a function for the key. */
  handleKey(event: KeyboardEvent): boolean {
    return this.#keys.handle(event);
  }

  /** Shows the given plots; those that stay keep their card, and with it focus and counts. */
  restore(specs: readonly PlotSpec[], columns: number): void {
    this.#columns = columns;
    const free = new Set(this.#plots);
    const found = new Map<PlotSpec, Plot>();
    const rules: readonly ((plot: Plot, spec: PlotSpec) => boolean)[] = [
      (plot, spec) => JSON.stringify(plot.keptSpec) === JSON.stringify(spec),
      (plot, spec) => plot.spec.spectra.join('\n') === spec.spectra.join('\n'),
      (plot, spec) => this.#plots.indexOf(plot) === specs.indexOf(spec),
      () => true,
    ];
    for (const matches of rules) {
      for (const spec of specs) {
        const plot = found.has(spec) ? undefined : [...free].find((candidate) => matches(candidate, spec));
        if (plot === undefined) continue;
        free.delete(plot);
        found.set(spec, plot);
      }
    }
    for (const plot of free) plot.close();
    this.#plots = specs.map((spec) => {
      const plot = found.get(spec);
      if (plot === undefined) return this.#createPlot(spec);
      if (JSON.stringify(plot.spec) !== JSON.stringify(spec)) plot.apply(spec);
      return plot;
    });
    this.#arrange();
  }

  /**
   * Shows a spectrum. `replace` focuses a plot that shows it already; `overlay` adds a plot when
   * the active one or the spectrum is not one-dimensional.
   */
  show(name: string, placement: SpectrumPlacement): void {
    const { active } = this.#keys;
    const info = this.#services.state.info(name);
    if (placement === 'overlay' && active?.isOneDimensional === true && info?.dimensions === 1) {
      return this.#overlay(active, name);
    }
    if (placement === 'replace' && active !== undefined) return this.#replace(active, name);
    this.#add([defaultPlot(name)], this.#plots.length);
  }

  closeAll(): void {
    for (const plot of this.#plots.splice(0)) plot.close();
    this.#arrange();
  }

  #overlay(plot: Plot, name: string): void {
    const { spectra } = plot.spec;
    if (spectra.includes(name)) return;
    if (spectra.length < OVERLAYS_MAX) return plot.change({ spectra: [...spectra, name] });
    this.#services.notices.show(`A plot shows at most ${OVERLAYS_MAX} spectra.`);
  }

  #replace(plot: Plot, name: string): void {
    const shown = this.#plots.find(({ spec }) => spec.spectra.length === 1 && spec.spectra[0] === name);
    if (this.#plots.length > 1 && shown !== undefined) {
      this.#keys.active = shown;
      return shown.element.scrollIntoView({ block: 'nearest' });
    }
    const before = plot.spec.spectra.join(', ');
    if (before === name) return;
    plot.change(defaultPlot(name));
    this.#services.notices.show(`${name} instead of ${before}`, {
      text: 'Undo',
      run: () => this.#events.undo(),
    });
  }

  #add(specs: readonly PlotSpec[], at: number): void {
    const room = PLOTS_MAX - this.#plots.length;
    if (specs.length > room) {
      const text = `A board has at most ${PLOTS_MAX} plots: remove one first.`;
      this.#services.notices.show(text);
    }
    const added = specs.slice(0, room).map((spec) => this.#createPlot(spec));
    if (added.length === 0) return;
    this.#plots.splice(at, 0, ...added);
    this.#arrange();
    this.#keys.active = added.at(-1);
    added.at(-1)?.element.scrollIntoView({ block: 'nearest' });
    this.#events.changed();
  }

  #createPlot(spec: PlotSpec): Plot {
    const plot: Plot = new Plot(spec, this.#services, {
      changed: (burst) => this.#events.changed(burst),
      remove: () => this.#remove(plot),
      move: (by) => this.#move(plot, this.#plots.indexOf(plot) + by),
      share: () => this.#share(plot),
      add: (specs) => this.#add(specs, this.#plots.indexOf(plot) + 1),
    });
    attachDragging(
      plot,
      () => this.#plots.indexOf(plot),
      (from) => {
        const moved = this.#plots[from];
        if (moved !== undefined) this.#move(moved, this.#plots.indexOf(plot));
      },
    );
    return plot;
  }

  /** One step of the history. */
  #share(plot: Plot): void {
    const alike = this.#plots.filter((other) => isSameKind(plot, other));
    const limits = commonLimits(alike);
    for (const other of alike) other.change(sharedView(plot, other, limits), 'same scale and range');
  }

  /** Focus and mark go to the plot in its place. */
  #remove(plot: Plot): void {
    const at = this.#plots.indexOf(plot);
    const hadFocus = plot.element.contains(document.activeElement);
    const wasActive = this.#keys.active === plot;
    plot.close();
    this.#plots = this.#plots.filter((other) => other !== plot);
    const next = this.#plots[at] ?? this.#plots.at(-1);
    if (wasActive) this.#keys.active = next;
    this.#arrange();
    if (hadFocus) (next?.element ?? this.element).focus({ preventScroll: true });
    this.#events.changed();
    this.#services.notices.show(`Removed ${plot.spec.spectra.join(', ')}`, {
      text: 'Undo',
      run: () => this.#events.undo(),
    });
  }

  #move(plot: Plot, to: number): void {
    const from = this.#plots.indexOf(plot);
    if (from < 0 || to < 0 || to >= this.#plots.length || from === to) return;
    this.#plots.splice(from, 1);
    this.#plots.splice(to, 0, plot);
    const focused = document.activeElement;
    this.#arrange();
    // Moving an element in the document removes its focus.
    if (focused instanceof HTMLElement && plot.element.contains(focused)) focused.focus();
    this.#events.changed();
  }

  #arrange(): void {
    const count = this.#plots.length;
    const wanted = this.#columns > 0 ? this.#columns : Math.ceil(Math.sqrt(count));
    const columns = Math.max(1, Math.min(wanted, count));
    this.element.style.setProperty('--columns', String(columns));
    this.element.style.setProperty('--rows', String(Math.max(1, Math.ceil(count / columns))));
    this.element.classList.toggle('is-empty', count === 0);
    const cards = count === 0 ? [this.#note.element] : this.#plots.map((plot) => plot.element);
    for (const child of Array.from(this.element.children))
      if (!cards.includes(child as HTMLElement)) child.remove();
    // Only cards in the wrong place are moved.
    cards.forEach((card, index) => {
      if (this.element.children[index] !== card)
        this.element.insertBefore(card, this.element.children[index] ?? null);
    });
    this.#keys.mark();
  }
}
