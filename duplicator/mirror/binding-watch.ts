/**
 * Asks SpecTcl's REST service whether the bindings (which spectrum occupies which part of the
 * display memory) are still those of the display header that was received last. SpecTcl never sends
 * a new header on an old connection, so an update may be published under that header only when
 * REST, asked after the update had arrived, reports no change.
 *
 * A trace (a list of changes that SpecTcl keeps for a client) costs SpecTcl next to nothing and is
 * used where the service has traces; otherwise the lists of bindings are compared. One object per
 * source connection. Sends HTTP requests.
 */
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { KeptConnectionLost, type SpecTclRest } from '../../protocol/spectcl/rest-client.js';

export type BindingVerdict = 'same' | 'changed';

/**
 * Seconds that SpecTcl keeps a trace without a fetch; at the longest interval fetches are closer.
 */
const TRACE_RETENTION_S = 60;

export class BindingWatch {
  readonly #rest: SpecTclRest;
  /** The trace; undefined where bindings are compared. */
  #traceToken: number | undefined;
  #bindings: string | undefined;

  private constructor(rest: SpecTclRest) {
    this.#rest = rest;
  }

  /**
   * Changes of bindings are detected from now on. `openingRest`, with the time limits of a start,
   * sends the first question, `rest` all later ones. Throws what REST threw when it cannot be
   * asked.
   */
  static async start(openingRest: SpecTclRest, rest: SpecTclRest): Promise<BindingWatch> {
    const watch = new BindingWatch(rest);
    await watch.#establish(openingRest);
    return watch;
  }

  /**
   * Whether bindings changed since the last call; each change is reported once. Throws what REST
   * threw: then it is unknown.
   */
  async verdict(): Promise<BindingVerdict> {
    if (this.#traceToken === undefined) return this.#compareLists();
    try {
      const { binding } = await this.#rest.traceFetch(this.#traceToken);
      return binding.length === 0 ? 'same' : 'changed';
    } catch (error) {
      if (!isMirrorflowError(error, 'SOURCE_REFUSED') && !(error instanceof KeptConnectionLost)) throw error;
      // The trace expired, an answer was lost, or the server was replaced. What changed meanwhile
      // is unknown, so it counts as a change.
      await this.#establish(this.#rest);
      return 'changed';
    }
  }

  /** Releases the trace. A failure is ignored, since an unused trace expires. */
  async end(): Promise<void> {
    const token = this.#traceToken;
    this.#traceToken = undefined;
    if (token !== undefined) await this.#rest.traceDone(token).catch(() => undefined);
  }

  async #establish(rest: SpecTclRest): Promise<void> {
    try {
      this.#traceToken = await rest.traceEstablish(TRACE_RETENTION_S);
    } catch (error) {
      if (isMirrorflowError(error, 'SOURCE_UNREACHABLE')) throw error;
      this.#traceToken = undefined;
      this.#bindings = await bindingsOf(rest);
    }
  }

  async #compareLists(): Promise<BindingVerdict> {
    const before = this.#bindings;
    this.#bindings = await bindingsOf(this.#rest);
    return this.#bindings === before ? 'same' : 'changed';
  }
}

async function bindingsOf(rest: SpecTclRest): Promise<string> {
  return JSON.stringify(await rest.bindings());
}
