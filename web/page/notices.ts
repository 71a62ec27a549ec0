/**
 * Short notices at the lower edge of the page: a limit that was reached, a plot that was replaced.
 * `viewer-page.ts` inserts the element; every view shows notices through `PageServices`. Screen
 * readers read them. Changes only its own element.
 */
import { element } from './dom.js';

const SHOWN_MS = 6_000;

export class Notices {
  readonly element = element('div', { class: 'notices', role: 'status' });
  #timer: number | undefined;

  /** Replaces the notice before. `action`: a button that also closes the notice. */
  show(text: string, action?: { readonly text: string; readonly run: () => void }): void {
    const button =
      action === undefined
        ? undefined
        : element(
            'button',
            {
              type: 'button',
              onclick: () => {
                this.close();
                action.run();
              },
            },
            action.text,
          );
    this.element.replaceChildren(element('span', {}, text), ...(button === undefined ? [] : [button]));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), SHOWN_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.element.replaceChildren();
  }
}
