/**
 * Asks SpecTcl's REST service whether the bindings (which spectrum occupies which part of the
 * display memory) are still those of the display header that was received last. SpecTcl never sends
 * a new header on an old connection, so an update may be published under that header only when
 * REST, asked after the update had arrived, reports no change.
 *
 * A trace (a list of changes that SpecTcl keeps for a client) costs SpecTcl next to nothing and is
 * used where the service has traces. Its token is a small integer that any client can fetch, which
 * empties the trace; so the lists of bindings are compared as well, every few seconds. Without
 * traces they are compared each time. One object per source connection. Sends HTTP requests.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { KeptConnectionLost, type SpecTclRest } from '../../protocol/spectcl/rest-client.js';

export type BindingVerdict = 'same' | 'changed';

/**
 * Seconds that SpecTcl keeps a trace without a fetch; at the longest interval fetches are closer.
 */
const TRACE_RETENTION_S = 60;
/** Time from one comparison of the lists to the next, milliseconds. */
const LIST_INTERVAL_MS = 3_000;

export class BindingWatch {
  readonly #rest: SpecTclRest;
  readonly #clock: Clock;
  /** The trace; undefined where only lists are compared. */
  #traceToken: number | undefined;
  /** The list when the connection was opened; undefined where REST does not give it. */
  #bindings: string | undefined;
  #comparedMs = 0;
  #comparing = false;
  /** The comparison of lists found a change that no verdict has reported. */
  #listChanged = false;
  /**
   * Resolves when the list has arrived with which later ones are compared. The header must be
   * requested after that, so that no change can be between the two.
   */
  readonly ready: Promise<void>;

  private constructor(rest: SpecTclRest, clock: Clock, traceToken: number | undefined) {
    this.#rest = rest;
    this.#clock = clock;
    this.#traceToken = traceToken;
    this.ready = this.#readBaseline();
    this.ready.catch(() => undefined); // thrown to the caller that waits for it
  }

  /**
   * Changes of bindings are detected from now on. `openingRest`, with the time limits of a start,
   * sends the first question, `rest` all later ones. Throws what REST threw when it cannot be
   * asked.
   */
  static async start(openingRest: SpecTclRest, rest: SpecTclRest, clock: Clock): Promise<BindingWatch> {
    return new BindingWatch(rest, clock, await establish(openingRest));
  }

  /**
   * Whether bindings changed since the last call; each change is reported once. Throws what REST
   * threw: then it is unknown.
   */
  async verdict(): Promise<BindingVerdict> {
    if (this.#traceToken === undefined) return this.#compareLists();
    this.#compareListsInBackground();
    try {
      const { binding } = await this.#rest.traceFetch(this.#traceToken);
      const changed = this.#listChanged || binding.length > 0;
      this.#listChanged = false;
      return changed ? 'changed' : 'same';
    } catch (error) {
      if (!isMirrorflowError(error, 'SOURCE_REFUSED') && !(error instanceof KeptConnectionLost)) throw error;
      // The trace expired, an answer was lost, or the server was replaced. What changed meanwhile
      // is unknown, so it counts as a change.
      this.#traceToken = await establish(this.#rest);
      return 'changed';
    }
  }

  /** Releases the trace. A failure is ignored, since an unused trace expires. */
  async end(): Promise<void> {
    const token = this.#traceToken;
    this.#traceToken = undefined;
    if (token !== undefined) await this.#rest.traceDone(token).catch(() => undefined);
  }

  async #readBaseline(): Promise<void> {
    try {
      this.#bindings = await bindingsOf(this.#rest);
    } catch (error) {
      // Where there is a trace, the list is only a second opinion.
      if (this.#traceToken === undefined || !isMirrorflowError(error, 'SOURCE_REFUSED')) throw error;
    }
    this.#comparedMs = this.#clock.nowMs();
  }

  /** No verdict waits for a list, which takes long where there are many spectra. */
  #compareListsInBackground(): void {
    const due = this.#clock.nowMs() - this.#comparedMs >= LIST_INTERVAL_MS;
    if (!due || this.#comparing || this.#bindings === undefined) return;
    this.#comparing = true;
    this.#compareLists()
      .then(
        (verdict) => (this.#listChanged ||= verdict === 'changed'),
        () => undefined, // that REST does not answer is found out by the verdicts
      )
      .finally(() => {
        this.#comparing = false;
        this.#comparedMs = this.#clock.nowMs();
      });
  }

  async #compareLists(): Promise<BindingVerdict> {
    const before = this.#bindings;
    this.#bindings = await bindingsOf(this.#rest);
    return this.#bindings === before ? 'same' : 'changed';
  }
}

/** A new trace; undefined where the service has none. */
async function establish(rest: SpecTclRest): Promise<number | undefined> {
  try {
    return await rest.traceEstablish(TRACE_RETENTION_S);
  } catch (error) {
    if (isMirrorflowError(error, 'SOURCE_UNREACHABLE')) throw error;
    return undefined;
  }
}

async function bindingsOf(rest: SpecTclRest): Promise<string> {
  return JSON.stringify(await rest.bindings());
}
