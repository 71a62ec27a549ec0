/**
 * The spectra of files that the user has opened on this page, by the names under which plots show
 * them. `Subscriptions` delivers their frames instead of asking the server. Keeps them until the
 * page is left; no I/O.
 */
import type { Frame } from '../wire/frame.js';
import type { FrameContent } from '../wire/packed-frame.js';

/** A view that may show a spectrum of a file; one object as long as it exists. */
export interface FrameTaker {
  readonly id: number;
  readonly receiver: { frame(frame: Frame): void };
}

const SPECTRA_MAX = 32;

export class SavedSpectra {
  readonly #contents = new Map<string, FrameContent>();
  /** The request that was last answered to a view. */
  readonly #answered = new WeakMap<FrameTaker, object>();

  /** Adds a spectrum under its name, or the next name that is free, which it returns. */
  add(name: string, content: FrameContent): string {
    let free = name;
    for (let copy = 2; this.#contents.has(free); copy += 1) free = `${name} ${copy}`;
    this.#contents.set(free, content);
    const [oldest] = this.#contents.keys();
    if (this.#contents.size > SPECTRA_MAX && oldest !== undefined) this.#contents.delete(oldest);
    return free;
  }

  has(name: string): boolean {
    return this.#contents.has(name);
  }

  /** Gives a view its frame, once for each request; false for a spectrum of the server. */
  deliver(taker: FrameTaker, request: { readonly spectrum: string }): boolean {
    const content = this.#contents.get(request.spectrum);
    if (content === undefined) return false;
    if (this.#answered.get(taker) !== request) taker.receiver.frame({ id: taker.id, ...content });
    this.#answered.set(taker, request);
    return true;
  }
}
