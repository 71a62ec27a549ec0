/**
 * Counts the users of a shared resource, so that its owner keeps it open while at least one user
 * holds it. The owner calls `acquire` for each user (a browser page, a timer) and gives the user
 * the returned release function. Used by the watches and links of the web process. Pure.
 */
export class UseCounter {
  readonly #onReleased: () => void;
  #users = 0;

  /** `onReleased` runs after each release, when `inUse` has its new value. */
  constructor(onReleased: () => void = () => undefined) {
    this.#onReleased = onReleased;
  }

  get inUse(): boolean {
    return this.#users > 0;
  }

  /** Counts one user until the returned function is called; only its first call has an effect. */
  acquire(): () => void {
    this.#users += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#users -= 1;
      this.#onReleased();
    };
  }
}
