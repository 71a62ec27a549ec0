/**
 * The threads that a simulated SpecTcl keeps for its mirror connections, with a flaw of SpecTcl: at
 * the end of the stream (FIN) its socket class closes the descriptor and opens a new one. If another
 * thread has taken the number meanwhile, the thread of the connection polls a dead descriptor for
 * ever. SpecTcl needs some microseconds between the two; here they are some milliseconds, so that a
 * client that takes the risk is found out. Used by the services of the simulator, which report what
 * happens to their connections. Pure but for timers.
 */

/** Time from the close of a descriptor to its replacement, milliseconds. */
const REPLACEMENT_MS = 10;
/** Interval at which what happened to a server that hangs is looked at again, milliseconds. */
const HANG_POLL_MS = 5;

export class ServerThreads {
  readonly #hangs: () => boolean;
  /** Closed descriptors that are about to be replaced, by their timers. */
  readonly #closed = new Set<NodeJS.Timeout>();
  #lost = 0;
  #aborts = 0;

  /** `hangs`: whether the server does nothing now; what clients do is noticed afterwards. */
  constructor(hangs: () => boolean) {
    this.#hangs = hangs;
  }

  /** Threads that poll a dead descriptor. */
  get lost(): number {
    return this.#lost;
  }

  /** Times that SpecTcl might have aborted: a connection was reset before its first reply. */
  get aborts(): number {
    return this.#aborts;
  }

  /** A connection of any service was accepted, which takes the lowest number that is free. */
  accepted(): void {
    this.#whenAwake(() => {
      const [timer] = this.#closed;
      if (timer === undefined) return;
      clearTimeout(timer);
      this.#closed.delete(timer);
      this.#lost += 1;
    }, 1);
  }

  /** The client of a mirror connection has closed it with FIN. */
  streamEnded(): void {
    this.#whenAwake(() => {
      const timer = setTimeout(() => this.#closed.delete(timer), REPLACEMENT_MS);
      this.#closed.add(timer);
    });
  }

  /** The client of a mirror connection has reset it. */
  reset(hadReply: boolean): void {
    if (!hadReply) this.#aborts += 1;
  }

  /** Runs `action` now, or when the server does not hang any more, `polls` intervals later. */
  #whenAwake(action: () => void, polls = 0): void {
    if (!this.#hangs()) {
      action();
      return;
    }
    const timer = setInterval(() => {
      if (this.#hangs()) return;
      if (polls > 0) {
        polls -= 1;
        return;
      }
      clearInterval(timer);
      action();
    }, HANG_POLL_MS);
    timer.unref();
  }
}
