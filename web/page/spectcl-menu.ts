/**
 * The run of SpecTcl in the header, as a menu of what can be done with it: zero counts, a new
 * spectrum, the record of changes. `viewer-page.ts` creates it, the header inserts it. Changes its
 * own elements; the dialogs send requests.
 */
import { runText } from '../view/run-info.js';
import { withDialogs } from './load-dialogs.js';
import { Menu, type MenuItem } from './menu.js';
import type { Notices } from './notices.js';
import type { PageState } from './page-state.js';

export class SpecTclMenu {
  readonly #state: PageState;
  readonly #notices: Notices;
  readonly #names: () => ReadonlySet<string>;
  readonly #menu: Menu;

  /** `names`: the spectra that the page shows. */
  constructor(state: PageState, notices: Notices, names: () => ReadonlySet<string>) {
    this.#state = state;
    this.#notices = notices;
    this.#names = names;
    this.#menu = new Menu('SpecTcl', () => this.#items(), 'run');
    state.on('run', () => this.#update());
    this.#update();
  }

  get element(): HTMLElement {
    return this.#menu.element;
  }

  /** A source without a run is not a SpecTcl that can be asked for anything. */
  #update(): void {
    const { run } = this.#state;
    this.element.hidden = run === undefined;
    if (run !== undefined) this.#menu.rename(runText(run), runText(run));
  }

  #items(): readonly MenuItem[] {
    const { app, spectra = [] } = this.#state;
    if (app === undefined) return [];
    const names = spectra.map(({ name }) => name).filter((name) => this.#names().has(name));
    const visible = { text: `Of all plots of the page: ${names.length}`, names };
    const notices = this.#notices;
    const item = (text: string, use: Parameters<typeof withDialogs>[1]): MenuItem => ({
      text,
      run: () => void withDialogs(notices, use),
    });
    return [
      item('Zero counts …', (dialogs) =>
        dialogs.showZeroDialog(app, names.length === 0 ? [] : [visible], notices),
      ),
      item('New spectrum …', (dialogs) => dialogs.showNewSpectrumDialog(app, spectra, notices)),
      item('Record of changes …', (dialogs) => void dialogs.showRecordDialog(app)),
    ];
  }
}
