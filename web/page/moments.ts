/**
 * Asks the server to remember the counts of spectra as they are now, for plots that show what came
 * in since. `viewer-page.ts` creates it and passes the answers on; menus of plots use it. Sends
 * messages.
 */
import type { PageMessage } from '../wire/messages.js';

export class Moments {
  readonly #send: (message: PageMessage) => void;
  readonly #waiting = new Map<number, (atMs: number | undefined) => void>();
  #next = 1;

  constructor(send: (message: PageMessage) => void) {
    this.#send = send;
  }

  /** The remembered moment, milliseconds since 1970; undefined where the server cannot. */
  remember(spectra: readonly string[]): Promise<number | undefined> {
    const request = this.#next;
    this.#next += 1;
    this.#send({ kind: 'remember', request, spectra });
    return new Promise((resolve) => this.#waiting.set(request, resolve));
  }

  answered(request: number, atMs: number | undefined): void {
    this.#waiting.get(request)?.(atMs);
    this.#waiting.delete(request);
  }

  /** The connection is closed: no answer comes. */
  closed(): void {
    for (const resolve of this.#waiting.values()) resolve(undefined);
    this.#waiting.clear();
  }
}
