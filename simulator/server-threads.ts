/**
 * The threads that a simulated SpecTcl keeps for its mirror connections, with a flaw of SpecTcl: at
 * the end of the stream (FIN) its socket class closes the descriptor and opens a new one. If
 * another thread has taken the number meanwhile, the thread of the connection polls a dead
 * descriptor for ever. SpecTcl needs some microseconds between the two; here they are some
 * milliseconds, so that a client that takes the risk is found out. Used by the services of the
 * simulator, which report what happens to their connections. Pure but for timers.
 */

/** Default time from the close of a descriptor to its replacement, milliseconds. */
const REPLACEMENT_MS = 10;
/** Interval at which a server that hangs is checked, milliseconds. */
const HANG_POLL_MS = 5;

export class ServerThreads {
  readonly #hangs: () => boolean;
  readonly #replacementMs: number;
  /** Timers of closed descriptors that are about to be replaced. */
  readonly #replacements = new Set<NodeJS.Timeout>();
  /** Ended streams and accepted connections that a hanging server has not noticed. */
  #unnoticed = { ended: 0, accepted: 0 };
  #noticeTimer: NodeJS.Timeout | undefined;
  #lost = 0;
  #aborts = 0;

  /** `hangs`: whether the server does nothing now; it notices afterwards what clients did. */
  constructor(hangs: () => boolean, replacementMs = REPLACEMENT_MS) {
    this.#hangs = hangs;
    this.#replacementMs = replacementMs;
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
    this.#unnoticed.accepted += 1;
    this.#notice();
  }

  /** The client of a mirror connection has closed it with FIN. */
  streamEnded(): void {
    this.#unnoticed.ended += 1;
    this.#notice();
  }

  /** The client of a mirror connection has reset it. */
  reset(hadReply: boolean): void {
    if (!hadReply) this.#aborts += 1;
  }

  #notice(): void {
    if (this.#hangs()) {
      this.#noticeTimer ??= setInterval(() => this.#notice(), HANG_POLL_MS).unref();
      return;
    }
    clearInterval(this.#noticeTimer);
    this.#noticeTimer = undefined;
    const { ended, accepted } = this.#unnoticed;
    this.#unnoticed = { ended: 0, accepted: 0 };
    for (let stream = 0; stream < ended; stream += 1) this.#closeDescriptor();
    for (let connection = 0; connection < accepted; connection += 1) this.#takeDescriptor();
  }

  #closeDescriptor(): void {
    const timer = setTimeout(() => this.#replacements.delete(timer), this.#replacementMs);
    timer.unref();
    this.#replacements.add(timer);
  }

  #takeDescriptor(): void {
    const [timer] = this.#replacements;
    if (timer === undefined) return;
    clearTimeout(timer);
    this.#replacements.delete(timer);
    this.#lost += 1;
  }
}
