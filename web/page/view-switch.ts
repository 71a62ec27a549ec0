/**
 * Shows one of the two views of the page: the spectra, with the list, the board and the bars about
 * them, or the network. `ViewerPage` creates the only one and inserts its element. Changes what the
 * element contains, and which parts are visible.
 */
import type { PageAddress } from '../view/plot-spec.js';
import { element } from './dom.js';

export type PageView = PageAddress['view'];

export interface ViewParts {
  /** What the element contains while the view is shown. */
  readonly elements: readonly HTMLElement[];
  /** Parts that are visible only while the view is shown. */
  readonly parts: readonly { setVisible(visible: boolean): void }[];
}

const VIEWS = ['network', 'spectra'] as const satisfies readonly PageView[];

export class ViewSwitch {
  readonly element = element('main', {});
  readonly #parts: Readonly<Record<PageView, ViewParts>>;
  #view: PageView = 'spectra';

  constructor(parts: Readonly<Record<PageView, ViewParts>>) {
    this.#parts = parts;
  }

  get view(): PageView {
    return this.#view;
  }

  show(view: PageView): void {
    this.#view = view;
    // Only another view: moving elements in the document removes their focus.
    if (this.element.className !== view) {
      this.element.className = view;
      this.element.replaceChildren(...this.#parts[view].elements);
    }
    for (const each of VIEWS) {
      for (const part of this.#parts[each].parts) part.setVisible(each === view);
    }
  }
}
