/**
 * The plots side by side: adding, removing, arranging; what stands there is what the address bar
 * says.
 */
import { OVERLAYS_MAX, defaultPlot, PLOTS_MAX, type PlotSpec } from '../view/plot-spec.js';
import { element } from './dom.js';
import { Plot, type PageServices } from './plot.js';

export class Board {
  readonly element = element('section', { class: 'board', 'aria-label': 'Plots' });
  readonly #services: PageServices;
  readonly #changed: () => void;
  readonly #empty = element('div', { class: 'board-empty' });
  #plots: Plot[] = [];
  #columns = 0;

  constructor(services: PageServices, changed: () => void) {
    this.#services = services;
    this.#changed = changed;
    services.state.on('status', () => this.#invite());
    this.#invite();
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

  get names(): ReadonlySet<string> {
    return new Set(this.#plots.flatMap(({ spec }) => spec.spectra));
  }

  /** As the address bar says; plots that are there already stay. */
  restore(specs: readonly PlotSpec[], columns: number): void {
    this.#columns = columns;
    specs.forEach((spec, index) => {
      const there = this.#plots[index];
      if (there === undefined) this.#plots.push(this.#make(spec));
      else if (JSON.stringify(there.spec) !== JSON.stringify(spec)) there.apply(spec);
    });
    for (const plot of this.#plots.splice(specs.length)) plot.close();
    this.#arrange();
  }

  /** Instead of the last plot where `how` is `only`; over it, or beside it. */
  show(name: string, how: 'instead' | 'over' | 'beside'): void {
    const last = this.#plots.at(-1);
    const info = this.#services.state.info(name);
    if (how === 'over' && last !== undefined && last.isOneDimensional && info?.dimensions === 1) {
      const spectra = last.spec.spectra;
      if (!spectra.includes(name) && spectra.length < OVERLAYS_MAX)
        last.change({ spectra: [...spectra, name] });
      return;
    }
    if (how === 'instead' && this.#plots.length === 1 && last !== undefined)
      return last.change(defaultPlot(name));
    const known = this.#plots.find(({ spec }) => spec.spectra.length === 1 && spec.spectra[0] === name);
    if (how === 'instead' && known !== undefined) return known.element.focus();
    if (how === 'instead' && last !== undefined) return last.change(defaultPlot(name));
    this.#add([defaultPlot(name)], this.#plots.length);
  }

  closeAll(): void {
    for (const plot of this.#plots.splice(0)) plot.close();
    this.#arrange();
  }

  /** What an empty board says: what to do, or why there is nothing to do now. */
  #invite(): void {
    const { status } = this.#services.state;
    const away = status !== undefined && (status.state === 'broken' || status.state === 'stopped');
    const words = away
      ? [
          status.state === 'stopped' ? 'This application does not run' : 'The spectra cannot be had now',
          status.cause ?? 'Start it on the network page, or with “mirrorflow run”.',
          'It is tried again every second; this page goes on by itself.',
        ]
      : [
          'Choose a spectrum',
          'Click one in the list, or press / to search and Enter to show it.',
          'Shift-click draws it over the last plot; + puts it beside.',
        ];
    if (this.#empty.dataset['words'] === words.join()) return;
    this.#empty.dataset['words'] = words.join();
    const [heading = '', ...lines] = words;
    this.#empty.replaceChildren(element('h2', {}, heading), ...lines.map((line) => element('p', {}, line)));
  }

  #add(specs: readonly PlotSpec[], at: number): void {
    const room = PLOTS_MAX - this.#plots.length;
    this.#plots.splice(at, 0, ...specs.slice(0, room).map((spec) => this.#make(spec)));
    this.#arrange();
    this.#changed();
  }

  #make(spec: PlotSpec): Plot {
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
      event.dataTransfer?.setData('text/x-mirrorflow-plot', String(this.#plots.indexOf(plot)));
    });
    card.addEventListener('dragover', (event) => {
      if (event.dataTransfer?.types.includes('text/x-mirrorflow-plot') === true) event.preventDefault();
    });
    card.addEventListener('drop', (event) => {
      const from = event.dataTransfer?.getData('text/x-mirrorflow-plot') ?? '';
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
    const wanted = count === 0 ? [this.#empty] : this.#plots.map((plot) => plot.element);
    // Only what stands elsewhere is moved: moving an element takes the focus off it.
    wanted.forEach((card, index) => {
      if (this.element.children[index] !== card)
        this.element.insertBefore(card, this.element.children[index] ?? null);
    });
    while (this.element.children.length > wanted.length) this.element.lastElementChild?.remove();
  }
}
