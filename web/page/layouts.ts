/**
 * The named layouts of the application: a tab for each above the board, and keeping, changing and
 * removing them. The server keeps them for all pages. `viewer-page.ts` creates it, inserts its
 * element and opens the addresses. Changes its own element; sends requests over HTTP.
 */
import { element } from './dom.js';
import { showLayoutDialog } from './layout-dialog.js';
import type { Notices } from './notices.js';
import type { PageState } from './page-state.js';

export interface LayoutActions {
  /** Shows the plots of an address, as one step. */
  open(address: string): void;
  /** The address of the page as it is now. */
  address(): string;
}

export class Layouts {
  readonly element = element('nav', { class: 'layouts', 'aria-label': 'Layouts', hidden: true });
  readonly #state: PageState;
  readonly #notices: Notices;
  readonly #actions: LayoutActions;
  readonly #tabs = new Map<string, HTMLElement>();
  /** The layout that was opened last, which the page may have changed since. */
  #opened: string | undefined;
  #visible = true;

  constructor(state: PageState, notices: Notices, actions: LayoutActions) {
    this.#state = state;
    this.#notices = notices;
    this.#actions = actions;
    state.on('layouts', () => this.refresh());
  }

  /** Shows the tabs; they are hidden beside the network page. */
  setVisible(visible: boolean): void {
    this.#visible = visible;
    this.refresh();
  }

  /** Marks the tab of the shown layout; called when the plots have changed. */
  refresh(): void {
    const { layouts } = this.#state;
    const names = this.#names;
    this.element.hidden = !this.#visible || names.length === 0;
    for (const [name, tab] of this.#tabs) {
      if (layouts[name] !== undefined) continue;
      tab.remove();
      this.#tabs.delete(name);
    }
    names.forEach((name, index) => {
      const tab = this.#tabs.get(name) ?? this.#createTab(name);
      if (this.element.children[index] !== tab) {
        this.element.insertBefore(tab, this.element.children[index] ?? null);
      }
    });
    this.#markShown();
  }

  get #names(): readonly string[] {
    return Object.keys(this.#state.layouts).sort((one, other) => one.localeCompare(other));
  }

  #createTab(name: string): HTMLElement {
    const tab = element(
      'button',
      { type: 'button', class: 'tab', onclick: () => this.#open(name) },
      element('span', {}, name),
      element('span', { class: 'tab-changed', hidden: true, title: 'changed since it was saved' }, ' •'),
    );
    this.#tabs.set(name, tab);
    return tab;
  }

  #markShown(): void {
    const address = this.#actions.address();
    const { layouts } = this.#state;
    const isOf = (name: string | undefined): boolean =>
      name !== undefined && layouts[name]?.address === address;
    // Of two layouts with the same plots the one that was opened is shown.
    if (!isOf(this.#opened)) {
      this.#opened = Object.keys(layouts).find(isOf) ?? this.#openedStill();
    }
    for (const [name, tab] of this.#tabs) {
      const isShown = name === this.#opened;
      if (isShown) tab.setAttribute('aria-current', 'true');
      else tab.removeAttribute('aria-current');
      const dot = tab.lastElementChild;
      if (dot instanceof HTMLElement) dot.hidden = !isShown || isOf(name);
    }
  }

  /** The opened layout, unless it was removed or is of another application. */
  #openedStill(): string | undefined {
    return this.#opened !== undefined && this.#state.layouts[this.#opened] !== undefined
      ? this.#opened
      : undefined;
  }

  #open(name: string): void {
    const layout = this.#state.layouts[name];
    if (layout === undefined) return;
    this.#opened = name;
    this.#actions.open(layout.address);
    this.#markShown();
  }

  /** Shows the dialog that opens, saves and removes layouts. */
  show(): void {
    const opened = this.#openedStill();
    showLayoutDialog({
      names: this.#names,
      opened,
      open: (name) => this.#open(name),
      keep: (name) => void this.#keep(name),
      remove: (name) => void this.#remove(name),
    });
  }

  async #keep(name: string): Promise<void> {
    if (!(await this.#send(name, this.#actions.address()))) return;
    this.#opened = name;
    this.#markShown();
    this.#notices.show(`The layout ${name} is saved.`);
  }

  /** Removes a layout, with a notice that can undo it. */
  async #remove(name: string): Promise<void> {
    const address = this.#state.layouts[name]?.address;
    if (address === undefined || !(await this.#send(name, null))) return;
    const run = (): void => void this.#send(name, address);
    this.#notices.show(`The layout ${name} is removed.`, { text: 'Undo', run });
  }

  /** Sends the change of a layout to the server. False, with a notice, when it was not saved. */
  async #send(name: string, address: string | null): Promise<boolean> {
    try {
      const body = JSON.stringify({ app: this.#state.app, name, address });
      const answer = await fetch('/api/layout', { method: 'POST', body });
      if (answer.ok) return true;
      const { error } = (await answer.json()) as { error: { message: string } };
      this.#notices.show(`The layout is not changed: ${error.message}.`);
    } catch {
      this.#notices.show('The layout is not changed: the server of the web viewer does not answer.');
    }
    return false;
  }
}
