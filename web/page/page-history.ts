/**
 * The steps of the page in the browser's history: each change that a user makes is an entry, so
 * that Back, Forward and undo restore the page before and after it. `AddressBar` writes the address
 * of each state and restores the page when the address changes. Writes the browser's history.
 */
import { StepBurst } from './step-burst.js';

/** Browsers refuse pages that write their address many times a second. */
const WRITE_INTERVAL_MS = 250;

interface EntryState {
  /** Number of the step, 0 for the page as it was opened. */
  readonly step: number;
}

export class PageHistory {
  readonly #changed: () => void;
  readonly #burst = new StepBurst();
  #hash = location.hash;
  #step: number;
  /** The last step of the user, which redo reaches. */
  #newest: number;
  #timer: number | undefined;

  /** `changed`: what can be undone has changed. */
  constructor(changed: () => void) {
    this.#changed = changed;
    this.#step = stepOf(history.state) ?? 0;
    this.#newest = this.#step;
    history.replaceState({ step: this.#step } satisfies EntryState, '');
    addEventListener('pagehide', () => this.#flush());
  }

  get canUndo(): boolean {
    return this.#step > 0;
  }

  get canRedo(): boolean {
    return this.#step < this.#newest;
  }

  /** Adds a step; changes of one burst with the same `key` stay one step. */
  add(hash: string, key?: string): void {
    if (hash === this.#hash) return;
    const continues = this.#burst.continues(key, performance.now());
    if (!continues) this.#flush();
    this.#hash = hash;
    if (continues) {
      this.#timer ??= setTimeout(() => this.#flush(), WRITE_INTERVAL_MS);
      return;
    }
    this.#step += 1;
    this.#newest = this.#step;
    history.pushState({ step: this.#step } satisfies EntryState, '', hash);
    this.#changed();
  }

  /** Changes the address of the present step. */
  replace(hash: string): void {
    this.#hash = hash;
    this.#write();
  }

  /** Called when the browser has moved to another entry, or the user has typed an address. */
  moved(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#burst.continues(undefined, 0);
    this.#hash = location.hash;
    const step = stepOf(history.state);
    if (step === undefined) {
      this.#step += 1;
      this.#newest = this.#step;
      history.replaceState({ step: this.#step } satisfies EntryState, '');
    } else this.#step = step;
    this.#changed();
  }

  undo(): boolean {
    if (!this.canUndo) return false;
    this.#flush();
    // At once: the browser reports the other entry later, and must not leave the page.
    this.#step -= 1;
    history.back();
    this.#changed();
    return true;
  }

  redo(): boolean {
    if (!this.canRedo) return false;
    this.#step += 1;
    history.forward();
    this.#changed();
    return true;
  }

  /** Writes the address of a burst that waits for its turn. */
  #flush(): void {
    if (this.#timer !== undefined) this.#write();
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#hash === location.hash) return;
    history.replaceState({ step: this.#step } satisfies EntryState, '', this.#hash);
  }
}

function stepOf(state: unknown): number | undefined {
  const step = (state as Partial<EntryState> | null)?.step;
  return typeof step === 'number' ? step : undefined;
}
