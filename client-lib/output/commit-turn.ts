/**
 * The turn of the event loop in which buffers are committed: they are published together at its
 * end, with one signal, and have one timestamp. One per output flow. Reads the clock.
 */
const TIME_ORIGIN_MS = performance.timeOrigin;
/** Callbacks of `then` run as a microtask, at the end of the present turn. */
const TURN = Promise.resolve();

export class CommitTurn {
  /** Wall clock of the first commit of the last turn, nanoseconds since 1970. */
  startedNs = 0;
  /** There were commits in this turn that are not published. */
  isOpen = false;
  readonly #onEnd: () => void;
  readonly #end = (): void => {
    if (this.isOpen) this.#onEnd();
  };

  /** `onEnd` is called at the end of a turn with commits, unless `close` was called in it. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** A buffer is being committed. */
  begin(): void {
    if (this.isOpen) return;
    this.isOpen = true;
    this.startedNs = nowNs();
    void TURN.then(this.#end); // a third of what queueMicrotask costs
  }

  /** Everything committed so far is published. */
  close(): void {
    this.isOpen = false;
  }
}

/** Wall-clock nanoseconds since 1970. */
export function nowNs(): number {
  return (TIME_ORIGIN_MS + performance.now()) * 1e6;
}
