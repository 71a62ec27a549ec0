/**
 * The address bar as the state of the page: reads it, writes it after each step of the user, keeps
 * it for the next time, and undoes and redoes steps. `ViewerPage` creates the only one. Writes the
 * browser's history by `PageHistory`, and its storage.
 */
import { formatAddress, parseAddress, type PageAddress } from '../view/plot-spec.js';
import { keepAddress } from './last-address.js';
import type { Notices } from './notices.js';
import { PageHistory } from './page-history.js';

export interface AddressedPage {
  /** What the page shows now. */
  shown(): PageAddress;
  /** Shows what an address says. */
  restore(address: PageAddress): void;
  /** The plots of the address may be others. */
  plotsChanged(): void;
  /** What can be undone and redone has changed. */
  stepsChanged(history: PageHistory): void;
}

export class AddressBar {
  readonly #page: AddressedPage;
  readonly #notices: Notices;
  readonly #history: PageHistory;
  /** While the address bar is read, it is not written. */
  #isReading = false;

  constructor(page: AddressedPage, notices: Notices) {
    this.#page = page;
    this.#notices = notices;
    this.#history = new PageHistory(() => page.stepsChanged(this.#history));
  }

  /** Restores the page, now and whenever the browser moves to another address. */
  follow(): void {
    addEventListener('hashchange', () => {
      this.#history.moved();
      this.#notices.close();
      this.#read();
    });
    this.#page.stepsChanged(this.#history);
    this.#read();
  }

  /** Layouts, and the address that is kept for the next time, have no moment. */
  withoutMoment(): string {
    return formatAddress({ ...this.#page.shown(), atMs: undefined });
  }

  /**
   * Writes the state of the page: as a step of the user, or as another form of the present one;
   * `burst` as in `BoardEvents.changed`.
   */
  write(step: 'step' | 'same', burst?: string): void {
    if (this.#isReading) return;
    const hash = formatAddress(this.#page.shown());
    keepAddress(this.withoutMoment());
    this.#page.plotsChanged();
    if (step === 'step') this.#history.add(hash, burst);
    else this.#history.replace(hash);
  }

  undo(): void {
    if (!this.#history.undo()) this.#notices.show('Nothing to undo.');
  }

  redo(): void {
    if (!this.#history.redo()) this.#notices.show('Nothing to redo.');
  }

  #read(): void {
    const address = parseAddress(location.hash);
    this.#isReading = true;
    this.#page.restore(address);
    this.#isReading = false;
    if (address.app !== undefined) keepAddress(this.withoutMoment());
    this.#page.plotsChanged();
  }
}
