/**
 * A button that opens a menu of controls, built each time it opens. The bars of plots use it.
 * Closes on Escape, on a choice and when the focus leaves; arrow keys move the focus. Changes only
 * its own elements, and scrolls the menu into view.
 */
import { element, setText } from './dom.js';

export interface MenuItem {
  readonly text: string;
  readonly run: () => void;
}

/** Pixels between the menu and the edge of what scrolls. */
const EDGE_PX = 8;

export class Menu {
  readonly element: HTMLDetailsElement;
  readonly #button: HTMLElement;
  readonly #items: HTMLElement;
  readonly #content: () => readonly (MenuItem | HTMLElement)[];

  /** `style`: class of its element; that of its items begins with it. */
  constructor(label: string, content: () => readonly (MenuItem | HTMLElement)[], style = 'menu') {
    this.#content = content;
    this.element = element('details', { class: style });
    this.#items = element('div', { class: `${style}-items`, role: 'group' });
    this.#button = element('summary', {});
    this.rename(label);
    this.element.append(this.#button, this.#items);
    // Before it opens, so that the next key finds the items.
    this.#button.addEventListener('click', () => {
      if (this.element.open) return;
      this.#items.replaceChildren(...this.#content().map((item) => this.#itemOf(item)));
    });
    this.element.addEventListener('toggle', () => this.#toggled());
    this.element.addEventListener('focusout', ({ relatedTarget }) => {
      // Without a target the pointer chose text, or the window has lost the focus.
      if (relatedTarget instanceof Node && !this.element.contains(relatedTarget)) this.close();
    });
    this.element.addEventListener('keydown', (event) => this.#handleKey(event));
  }

  /** `text`: on the button. */
  rename(label: string, text = '⋯'): void {
    setText(this.#button, text);
    this.#button.title = label;
    this.#button.setAttribute('aria-label', label);
    this.#items.setAttribute('aria-label', label);
  }

  close(): void {
    this.element.open = false;
  }

  #toggled(): void {
    this.element.classList.remove('opens-up');
    if (!this.element.open) return this.#items.replaceChildren();
    const closeOutside = (event: Event): void => {
      if (event.target instanceof Node && this.element.contains(event.target)) return;
      this.close();
    };
    document.addEventListener('pointerdown', closeOutside, { capture: true });
    this.element.addEventListener(
      'toggle',
      () => document.removeEventListener('pointerdown', closeOutside, { capture: true }),
      { once: true },
    );
    const menu = this.#items.getBoundingClientRect();
    const top = this.#button.getBoundingClientRect().top - menu.height;
    if (menu.bottom > innerHeight - EDGE_PX && top > EDGE_PX) this.element.classList.add('opens-up');
    this.#items.scrollIntoView({ block: 'nearest' });
  }

  #itemOf(item: MenuItem | HTMLElement): HTMLElement {
    if (item instanceof HTMLElement) return item;
    const { text, run } = item;
    const onclick = (): void => {
      // Before the action, which may open a dialog or remove the menu.
      this.#button.focus();
      this.close();
      run();
    };
    return element('button', { type: 'button', onclick }, text);
  }

  #handleKey(event: KeyboardEvent): void {
    if (event.key === 'Escape' && this.element.open) {
      this.close();
      this.#button.focus();
    } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && this.element.open) {
      if (event.target instanceof HTMLSelectElement) return;
      const all = [...this.#items.querySelectorAll<HTMLElement>('button, select')].filter(
        ({ offsetParent }) => offsetParent !== null,
      );
      const at = all.indexOf(document.activeElement as HTMLElement);
      const next = event.key === 'ArrowDown' ? at + 1 : at < 0 ? -1 : at - 1;
      all.at(next >= all.length ? 0 : next)?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
