/**
 * The bar above a plot, one line at every width: names of its spectra, select boxes where they fit,
 * the menu (`plot-menu.ts`) with everything else, and the button that removes the plot. `Plot`
 * creates it once and updates it after every change of its settings, so that the focus stays.
 * Changes the plot only through `PlotHandle`, the board through `PlotActions`.
 */
import { plotTitles } from '../view/plot-title.js';
import { element, setText } from './dom.js';
import { Menu } from './menu.js';
import type { PlotActions, PlotHandle } from './plot-interface.js';
import { plotMenu } from './plot-menu.js';
import { PlotSelects } from './plot-selects.js';
import { currentPalette } from './theme.js';

/** Width of the select boxes, in CSS pixels. */
const SELECTS_PX = 262;
/** Width of menu, button and edges together. */
const REST_PX = 100;
/** Width of the colour mark of a spectrum. */
const CHIP_PX = 26;
const TITLE_FONT = 'bold 14px system-ui, sans-serif';
let measuring: CanvasRenderingContext2D | null | undefined;

export class PlotBar {
  readonly element: HTMLElement;
  readonly #plot: PlotHandle;
  readonly #title = element('h2', { class: 'plot-title', draggable: 'true' });
  readonly #selects: PlotSelects;
  readonly #menu: Menu;
  readonly #remove: HTMLElement;

  constructor(plot: PlotHandle, actions: PlotActions) {
    this.#plot = plot;
    this.#selects = new PlotSelects(plot);
    this.#menu = new Menu('More', () => plotMenu(plot, actions));
    this.#remove = element(
      'button',
      { type: 'button', class: 'icon', title: 'Remove', onclick: () => actions.remove() },
      '×',
    );
    const { element: selects } = this.#selects;
    const tools = element(
      'div',
      { class: 'plot-tools', role: 'group' },
      selects,
      this.#menu.element,
      this.#remove,
    );
    tools.setAttribute('aria-label', 'Settings of the plot');
    this.element = element('div', { class: 'plot-bar' }, this.#title, tools);
  }

  update(): void {
    const names = plotTitles(this.#plot.spec);
    const first = names[0] ?? '';
    this.#title.title = `${names.join(', ')} (drag to move the plot)`;
    this.#menu.rename(`More for the plot of ${first}`);
    this.#remove.setAttribute('aria-label', `Remove the plot of ${first}`);
    this.#updateTitle(names);
    this.#selects.update();
    this.fit();
  }

  /** Moves the select boxes into the menu where they do not fit beside the title. */
  fit(): void {
    const names = plotTitles(this.#plot.spec);
    const title = textWidth(this.#title.textContent ?? '') + (names.length - 1) * 2 * CHIP_PX;
    const isNarrow = title + SELECTS_PX + REST_PX > this.#plot.size.width;
    this.element.classList.toggle('is-narrow', isNarrow);
  }

  /** Colours change with the theme, so that the title is compared with them. */
  #updateTitle(names: readonly string[]): void {
    const { series, accent } = currentPalette();
    const colours = names.map((_, index) => series[index % series.length] ?? accent);
    if (this.#title.children.length !== names.length) {
      this.#title.replaceChildren(
        ...names.map(() => element('span', {}, element('span', { class: 'chip' }), element('span'))),
      );
    }
    [...this.#title.children].forEach((entry, index) => {
      const [chip, text] = entry.children;
      if (!(chip instanceof HTMLElement) || text === undefined) return;
      chip.hidden = names.length < 2;
      chip.style.background = colours[index] ?? '';
      setText(text, names[index] ?? '');
    });
  }
}

/** Width of a title in CSS pixels, measured on a canvas so that the browser lays out nothing. */
function textWidth(text: string): number {
  measuring ??= document.createElement('canvas').getContext('2d');
  if (measuring === null) return 0;
  measuring.font = TITLE_FONT;
  return measuring.measureText(text).width;
}
