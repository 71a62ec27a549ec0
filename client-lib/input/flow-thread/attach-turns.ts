/**
 * Bounds how many flows of one flow thread are attached at the same time: an attachment has less
 * than a second for its duplicator's answer, which some hundred of them at once would use up for
 * each other. Used by main.ts for all flows of the thread. No I/O.
 */
const ATTACHING_MAX = 16;

export class AttachTurns {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** Runs the action in its turn, at once when fewer than ATTACHING_MAX run. */
  async run<T>(action: () => Promise<T>): Promise<T> {
    if (this.#running < ATTACHING_MAX) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await action();
    } finally {
      // The turn passes to the next action, or ends.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
